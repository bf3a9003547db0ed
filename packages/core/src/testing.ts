export { replaceTime, type Time, type Timer } from "./time/time.ts";

import { readFileSync } from "node:fs";

const read = (name: string): string => readFileSync(new URL(`../public/${name}`, import.meta.url), "utf8");

export const style: string = read("style.css");
export const script: string = read("page.js");
export const icon: string = read("icon.svg");

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const weekday = "(?:mon|tue|wed|thu|fri|sat|sun)";
const fullWeekday = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)";
const monthName = `(?<month>${months.join("|")})`;
const timeOfDay = "(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)";

// In any case, as RFC 9111 (section 4.2) asks of caches.
const forms = [
  `^${weekday}, (?<day>\\d\\d) ${monthName} (?<year>\\d{4}) ${timeOfDay} gmt$`,
  `^${fullWeekday}, (?<day>\\d\\d)-${monthName}-(?<year>\\d\\d) ${timeOfDay} gmt$`,
  `^${weekday} ${monthName} (?<day>[ \\d]\\d) ${timeOfDay} (?<year>\\d{4})$`,
].map((form) => new RegExp(form, "i"));

/**
 * Reads a date in one of the three forms of HTTP (RFC 9110, section 5.6.7). The day of the week is not checked.
 *
 * @param nowMs the present, for a year of two digits: it is at most 50 years ahead
 * @returns milliseconds since 1970; `undefined` for any other text
 */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  for (const form of forms) {
    const parts = form.exec(text)?.groups;
    if (parts !== undefined) return momentOf(parts, nowMs);
  }
  return undefined;
}

function momentOf(parts: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const { year = "", month = "", day = "", hour, minute, second } = parts;
  const midnight = new Date(0);
  const setYear = (full: number): number =>
    midnight.setUTCFullYear(full, months.indexOf(month.toLowerCase()), Number(day));
  const timeMs = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
  if (year.length === 4) setYear(Number(year));
  else {
    const latest = new Date(nowMs);
    const latestMs = latest.setUTCFullYear(latest.getUTCFullYear() + 50);
    const century = Math.floor(latest.getUTCFullYear() / 100) * 100;
    if (setYear(century + Number(year)) + timeMs > latestMs) setYear(century - 100 + Number(year));
  }
  // The 31st of February would be in March.
  return midnight.getUTCDate() === Number(day) ? midnight.getTime() + timeMs : undefined;
}

// Shows what the answers' own headers say: where a report came from, and what is left of the limit.

const element = (id) => document.getElementById(id);

async function askForReport() {
  element("ask-report").disabled = true;
  const beganMs = performance.now();
  const response = await fetch("/report", { cache: "no-store" });
  const tookMs = Math.round(performance.now() - beganMs);
  element("ask-report").disabled = false;
  if (!response.ok) {
    element("report").textContent = response.status;
    element("report-caption").textContent = await response.text();
    return;
  }
  const report = await response.json();
  const isHit = /\bhit\b/.test(response.headers.get("Cache-Status") ?? "");
  element("report").textContent = `${tookMs} ms`;
  element("report-caption").textContent = isHit
    ? `from the cache, ${response.headers.get("Age")}\u00a0s old, made by process ${report.process}`
    : `made just now by process ${report.process}`;
}

async function throwDice() {
  element("throw").disabled = true;
  const response = await fetch("/dice", { cache: "no-store" });
  element("throw").disabled = false;
  const [, left, resetsIn] = /r=(\d+);t=(\d+)/.exec(response.headers.get("RateLimit") ?? "") ?? [];
  element("dice").textContent = response.ok ? (await response.json()).dice : response.status;
  if (left === undefined) {
    element("limit-caption").textContent = await response.text();
    return;
  }
  element("left").hidden = false;
  element("left").value = Number(left);
  element("left").textContent = `${left} left`;
  element("limit-caption").textContent = response.ok
    ? `${left} of 5 throws left, anew in ${resetsIn}\u00a0s`
    : `no more throws: try again in ${resetsIn}\u00a0s`;
}

element("ask-report").addEventListener("click", () => void askForReport());
element("throw").addEventListener("click", () => void throwDice());
await askForReport();

"use strict";
/* Sends one file to the service and writes the answer as text; data never becomes markup. */
(() => {
  const byId = (id) => document.getElementById(id);
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }
  const shown = (v) => v === null || v === undefined ? "–" : typeof v === "number" && !Number.isInteger(v) ? String(+v.toPrecision(5)).replace(/^-/, "−") : String(v).replace(/^-(?=\d)/, "−");
  function cell(v) {
    if (v === null || v === undefined) return "";
    const text = typeof v === "string" && /^[=+\-@\t\r]/.test(v) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(v) ? "'" + v : String(v);
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }
  function table(rows, caption, name) {
    if (!rows.length) return [];
    const columns = Object.keys(rows[0]).filter((c) => rows.some((row) => row[c] !== null));
    const keep = make("button", { type: "button" }, "Download (CSV)");
    keep.addEventListener("click", () => {
      const text = [Object.keys(rows[0]).map(cell).join(","), ...rows.map((row) => Object.values(row).map(cell).join(","))].join("\n") + "\n";
      const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" })), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    return [make("h3", {}, caption), keep, make("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": caption },
      make("table", {}, make("thead", {}, make("tr", {}, ...columns.map((c) => make("th", { scope: "col" }, c.replaceAll("_", " "))))),
        make("tbody", {}, ...rows.map((row) => make("tr", {}, ...columns.map((c) => make("td", {}, shown(row[c]))))))))];
  }
  function write(answer) {
    const parts = answer.warnings.map((text) => make("p", { class: "note" }, text));
    answer.records.forEach((record, n) => parts.push(
      make("h2", {}, record.site), make("p", {}, record.said), make("p", {}, record.checked),
      make("h3", {}, "What was understood"),
      make("ul", {}, ...[`Format: ${record.format}`, `Time zone: ${record.time_zone}`, ...record.understood].map((text) => make("li", {}, text))),
      ...table(record.flags, "Flags by column", `flags-${n + 1}.csv`),
      ...(record.means_reason ? [make("h3", {}, "Annual means"), make("p", {}, record.means_reason)] : table(record.means, "Annual means", `annual-means-${n + 1}.csv`)),
      make("h3", {}, "Offsets"), make("p", {}, record.offsets || record.offsets_reason),
      ...table(record.years, "Offsets by year", `offsets-${n + 1}.csv`)));
    byId("found").replaceChildren(...parts);
  }
  function say(text, refused = false) {
    byId("state").textContent = text;
    byId("state").className = refused ? "note" : "";
  }
  async function send(file) {
    say(`Reading ${file.name} (${(file.size / 1e6).toPrecision(2)} MB). A long file may take some minutes.`);
    byId("found").replaceChildren();
    try {
      const reply = await fetch("/api/check?name=" + encodeURIComponent(file.name.slice(-200)), { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
      const answer = await reply.json();
      if (!reply.ok) { say(typeof answer.detail === "string" ? answer.detail : "The file was refused.", true); return; }
      say(`${file.name}: ${answer.records.length} record${answer.records.length === 1 ? "" : "s"}.`);
      write(answer);
    } catch (error) {
      say(`No answer from the service (${error}).`, true);
    }
  }
  byId("file").addEventListener("change", () => { if (byId("file").files.length) send(byId("file").files[0]); });
  const drop = byId("drop");
  for (const kind of ["dragover", "dragleave", "drop"]) drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
})();

"use strict";
for (const box of document.querySelectorAll("[data-filters]")) {
  const table = document.getElementById(box.dataset.filters);
  const rows = [...table.tBodies[0].rows];
  const shown = box.querySelector("output");
  const apply = () => {
    const text = box.querySelector("input").value.trim().toLowerCase();
    const choices = [...box.querySelectorAll("select")].map((s) => [Number(s.dataset.column), s.value]);
    let n = 0;
    for (const row of rows) {
      const fits = choices.every(([c, v]) => !v || row.cells[c].textContent === v)
        && (!text || row.textContent.toLowerCase().includes(text));
      row.hidden = !fits;
      n += fits;
    }
    shown.textContent = `${n} of ${rows.length} rows`;
  };
  box.addEventListener("input", apply);
  apply();
}

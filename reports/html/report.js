// Sorts, filters and folds. The report is whole without it: the tools that need it are hidden until it runs.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const units = { ms: 1e-3, s: 1, min: 60, h: 3600, k: 1e3, kB: 1e3, M: 1e6, MB: 1e6, G: 1e9, GB: 1e9, T: 1e12, TB: 1e12, P: 1e15, E: 1e18 };

  // The number that a field begins with, in its unit; null of a field without one, which is sorted last.
  function number(text) {
    const found = text.replaceAll("−", "-").replaceAll(",", "").match(/^[<>≤≥\s]*([+-]?\d[\d.]*(?:e[+-]\d+)?)\s*([a-zA-Z]+)?/);
    return found ? Number(found[1]) * (units[found[2]] ?? 1) : null;
  }

  function text(row, column) {
    return (row.cells[column].querySelector(".number") ?? row.cells[column]).textContent.trim();
  }

  // By number, of which the larger come first, or by name where the column has no number.
  function sort(heading) {
    const table = heading.closest("table"), body = table.tBodies[0], column = heading.cellIndex;
    const rows = all("tr", body).map((row) => ({ row, text: text(row, column), value: number(text(row, column)) }));
    const isNumeric = column > 0 && rows.some(({ value }) => value !== null);
    const first = isNumeric ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") !== first ? first : isNumeric ? "ascending" : "descending";
    const sign = order === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      if (!isNumeric) return sign * a.text.localeCompare(b.text, "en");
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
      return sign * (a.value - b.value);
    });
    for (const other of all("[aria-sort]", table)) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    body.append(...rows.map(({ row }) => row));
  }

  for (const heading of all("thead th:not([data-fixed])")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(heading));
    heading.append(button);
  }

  const models = all("table").filter((table) => table.tHead.rows[0].cells[0].textContent === "Model");
  const filter = document.getElementById("filter"), found = document.getElementById("found");
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    const fits = (name) => name.toLowerCase().includes(wanted);
    const rows = models.flatMap((table) => all("tbody tr", table));
    for (const row of rows) row.hidden = !fits(row.cells[0].textContent);
    for (const figure of all("[data-model]")) figure.hidden = !fits(figure.dataset.model);
    const first = models.length ? all("tbody tr", models[0]) : [];
    found.textContent = wanted ? `${first.filter((row) => !row.hidden).length} of ${first.length} models` : "";
  });

  const folds = all("details"), button = document.getElementById("fold");
  const told = () => { button.textContent = folds.every((one) => one.open) ? "Close all" : "Open all"; };
  button.addEventListener("click", () => {
    const open = !folds.every((one) => one.open);
    for (const one of folds) one.open = open;
    told();
  });
  for (const one of folds) one.addEventListener("toggle", told);

  // A link into a folded part opens it.
  function reveal() {
    let place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const target = place;
    for (; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
    if (target) target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  // On paper nothing can be unfolded.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = folds.filter((one) => !one.open);
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });

  document.querySelector(".tools").hidden = false;
  told();
})();

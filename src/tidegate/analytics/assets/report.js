(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const drawn = new Set();
  const probe = document.getElementById("probe");
  function themed(layout) {
    const ink = getComputedStyle(probe).color, rule = getComputedStyle(probe).borderTopColor;
    const card = getComputedStyle(probe).backgroundColor, strong = getComputedStyle(document.body).color;
    const full = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", ...layout };
    full.font = { color: ink, size: 12, family: getComputedStyle(document.body).fontFamily };
    full.hoverlabel = { align: "left", bgcolor: card, bordercolor: rule, font: { color: strong, size: 12 } };
    full.modebar = { bgcolor: "rgba(0,0,0,0)", color: rule, activecolor: ink };
    for (const key of Object.keys(full)) {
      if (/^[xy]axis/.test(key)) {
        full[key] = { gridcolor: rule, zerolinecolor: ink, linecolor: rule, tickcolor: rule, zeroline: false, ...full[key] };
        if (key[0] === "y") full[key].automargin = true;
        if (full[key].title) full[key].title = { standoff: 12, ...full[key].title };
      }
    }
    for (const key of ["xaxis", "yaxis"]) {
      if (!full[key]) full[key] = { gridcolor: rule, zeroline: false, linecolor: rule };
    }
    return full;
  }
  const config = { displaylogo: false, responsive: true, modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]] };
  function draw(box) {
    if (box.offsetParent === null) return;
    const figure = figures[box.dataset.figure];
    Plotly.react(box, figure.data, themed(figure.layout), config);
    drawn.add(box);
    box.dataset.drawn = "yes";
  }
  const boxes = [...document.querySelectorAll("[data-figure]")];
  const drawAll = () => boxes.forEach(draw);
  for (const bar of document.querySelectorAll("[data-tabs]")) {
    const buttons = [...bar.querySelectorAll("button")];
    buttons.forEach((button) => button.addEventListener("click", () => {
      for (const other of buttons) {
        const chosen = other === button;
        other.setAttribute("aria-selected", chosen);
        document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
      }
      boxes.filter((box) => !drawn.has(box)).forEach(draw);
    }));
  }
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    drawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  drawAll();
  root.dataset.ready = "yes";
})();

// The charts: one commit at a time is told in all of them.

const timeline = document.querySelector(".timeline");
if (timeline) {
  const { charts, commits } = JSON.parse(document.getElementById("chart-data").textContent);
  const figures = all(".charts figure");
  const slider = timeline.querySelector("input");
  const totals = figures.map((figure) => figure.querySelector(".value").textContent);

  const point = (index) => {
    slider.value = String(index);
    const parts = figures.map((figure, which) => {
      const dot = charts[which][index];
      const [line, circle] = all(".cursor", figure);
      for (const mark of [line, circle]) mark.setAttribute("visibility", dot ? "visible" : "hidden");
      figure.querySelector(".value").textContent = dot ? number.format(dot[2]) : "not known";
      if (!dot) return "";
      line.setAttribute("x1", dot[0]);
      line.setAttribute("x2", dot[0]);
      circle.setAttribute("cx", dot[0]);
      circle.setAttribute("cy", dot[1]);
      return `${figure.dataset.title} ${number.format(dot[2])}`;
    });
    timeline.querySelector("output").textContent = commits[index];
    slider.setAttribute("aria-valuetext", [commits[index], ...parts.filter(Boolean)].join("; "));
  };
  const leave = () => {
    figures.forEach((figure, which) => {
      figure.querySelector(".value").textContent = totals[which];
      for (const mark of all(".cursor", figure)) mark.setAttribute("visibility", "hidden");
    });
    timeline.querySelector("output").textContent = "";
    slider.value = slider.max;
  };
  figures.forEach((figure) => {
    const drawn = figure.querySelector("svg");
    drawn.addEventListener("pointermove", ({ clientX }) => {
      const { left, width } = drawn.getBoundingClientRect();
      const x = ((clientX - left) / width) * 320;
      const share = (x - 44) / (308 - 44);
      point(Math.round(Math.min(1, Math.max(0, share)) * (commits.length - 1)));
    });
    drawn.addEventListener("pointerleave", leave);
  });
  slider.addEventListener("input", () => point(Number(slider.value)));
  slider.addEventListener("focus", () => point(Number(slider.value)));
  slider.addEventListener("blur", leave);
  timeline.hidden = false;
}

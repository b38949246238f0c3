// What all the others use.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const number = new Intl.NumberFormat("en");
const collator = new Intl.Collator("en", { numeric: true });

/** An element. Text is always set as text: nothing that the page shows is ever read as HTML. */
const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

const button = (text, act) => {
  const made = make("button", { type: "button" }, text);
  made.addEventListener("click", act);
  return made;
};

const labelled = (text, control, id) => {
  control.id = `${id}-${text.toLowerCase().replaceAll(" ", "-")}`;
  return make("div", { className: "control" }, make("label", { htmlFor: control.id }, text), control);
};

// Cells. A cell is a text, a number, or a list of [text, style, title].

const SVG = "http://www.w3.org/2000/svg";
const svg = (name, attributes, ...children) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

const bar = (percent) =>
  svg(
    "svg",
    { class: "track", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { width: parseFloat(percent), height: 4 }),
  );

/** A text that may break where its style says so: paths behind slashes, dotted names behind dots. */
const breaking = (text, style) => {
  const ends = style.startsWith("path") ? /(?<=\/)/ : style.startsWith("code") ? /(?<=[.:])/ : null;
  return ends ? text.split(ends).flatMap((step) => [step, make("wbr")]) : [text];
};

const fill = (element, cell) => {
  if (typeof cell === "number") element.append(number.format(cell));
  else if (typeof cell === "string") element.append(...breaking(cell, element.className));
  else
    for (const [text, style, title] of cell) {
      if (style === "bar") element.append(bar(text));
      const part = make("span", { className: style, title });
      if (style === "prose")
        part.append(...text.split("`").map((piece, index) => (index % 2 ? make("code", {}, ...breaking(piece, "code")) : piece)));
      else part.append(...breaking(text, style));
      element.append(part, " ");
    }
  return element;
};

const texts = (cell) => (typeof cell === "object" ? cell.map(([text]) => text) : [String(cell)]);

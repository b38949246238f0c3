// The theme: what the system asks for, until somebody decides. Nothing is stored.

const root = document.documentElement;
const theme = document.getElementById("theme");
const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
const showTheme = () => (theme.textContent = isDark() ? "Light theme" : "Dark theme");
theme.hidden = false;
theme.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
});
dark.addEventListener("change", showTheme);
showTheme();

// Commands to be copied.

const told = document.getElementById("told");
for (const copy of all("button.copy")) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    const code = copy.previousElementSibling;
    try {
      await navigator.clipboard.writeText(code.textContent);
      told.textContent = copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // not allowed here: it can be copied by hand
      told.textContent = "Selected, to be copied";
    }
  });
}

// Where one is, in the contents.

const links = new Map(all("nav[aria-label=Contents] a").map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(target.id);
      link?.setAttribute("aria-current", "true");
      link?.closest("ol").scrollTo({ left: link.offsetLeft - 16 });
    }
  },
  { rootMargin: "-15% 0px -75%" },
);
for (const section of all("main > section")) seen.observe(section);

// On paper: more rows than on a screen, and what is folded but short.

const PRINTED = 200;
addEventListener("beforeprint", () => {
  for (const explorer of explorers.values()) explorer.show(PRINTED);
  for (const fold of all("details.fold:not([open])")) {
    fold.open = true;
    fold.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const explorer of explorers.values()) explorer.show();
  for (const fold of all("details.fold[data-printed]")) {
    fold.open = false;
    delete fold.dataset.printed;
  }
});

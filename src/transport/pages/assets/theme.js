// The button that chooses between the system's theme, light and dark.

const themes = ["auto", "light", "dark"];

export function themes_by(button) {
  let chosen = themes.indexOf(localStorage.getItem("theme"));
  const show = () => {
    chosen = Math.max(chosen, 0);
    const theme = themes[chosen];
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    chosen = (chosen + 1) % themes.length;
    localStorage.setItem("theme", themes[chosen]);
    show();
  });
  show();
}

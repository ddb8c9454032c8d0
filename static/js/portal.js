// What every page shares: clock, countdowns, theme, menus, keyboard, confirmation, polite polling.
import { startClock } from './clock.js';
import { startKeys } from './keys.js';
import { startLive } from './live.js';
import { startDialogs } from './dialogs.js';

const THEMES = ['system', 'light', 'dark'];

function storedTheme() {
  try {
    return localStorage.getItem('theme') ?? 'system';
  } catch {
    return 'system';
  }
}

function applyTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll('[data-theme-toggle]')) {
    button.dataset.now = theme;
    button.setAttribute('aria-label', `Theme: ${theme}. Change`);
    button.title = `Theme: ${theme}`;
  }
  document.dispatchEvent(new CustomEvent('portal:theme'));
}

function startTheme() {
  applyTheme(storedTheme());
  document.addEventListener('click', event => {
    if (!event.target.closest('[data-theme-toggle]')) return;
    const next = THEMES[(THEMES.indexOf(storedTheme()) + 1) % THEMES.length];
    try {
      localStorage.setItem('theme', next);
    } catch {
      // storage is off: the choice lasts for this page
    }
    applyTheme(next);
  });
  matchMedia('(prefers-color-scheme: dark)')
    .addEventListener('change', () => document.dispatchEvent(new CustomEvent('portal:theme')));
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (menu !== except) menu.open = false;
}

function startMenus() {
  document.addEventListener('click', event => closeMenus(event.target.closest('details.menu')));
  document.addEventListener('keydown', event => {
    const menu = event.key === 'Escape' && event.target.closest?.('details.menu[open]');
    if (!menu) return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });
}

// What acts on ticked rows says how many there are, and is off without any.
function countChecked() {
  for (const button of document.querySelectorAll('[data-needs-checked]')) {
    const noun = button.dataset.needsChecked;
    const n = document.querySelectorAll(`input[name="${noun}"]:checked`).length;
    const count = `${n} ${noun}${n === 1 ? '' : 's'}`;
    button.setAttribute('aria-disabled', String(!n));
    button.form.dataset.confirmLabel = `${button.dataset.verb} ${count}`;
    const counter = document.querySelector(`[data-checked-count="${noun}"]`);
    const words = n ? `${count} ticked` : `Tick the ${noun}s first`;
    if (counter && counter.textContent !== words) counter.textContent = words;
  }
}

function startChecks() {
  document.addEventListener('change', event => {
    const all = event.target.closest('[data-check-all]');
    if (all) for (const box of document.querySelectorAll(`input[name="${all.dataset.checkAll}"]`)) box.checked = all.checked;
    if (event.target.matches('select[data-submit], input[data-submit]')) event.target.form.requestSubmit();
    countChecked();
  });
  document.addEventListener('htmx:after:swap', countChecked);
  countChecked();
  document.addEventListener('click', event => {
    if (event.target.closest('button[aria-disabled="true"][data-needs-checked]')) event.preventDefault();
  });
  document.addEventListener('click', async event => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = 'Copied';
  });
}

// The chart code is fetched only where something is to be drawn.
async function startCharts() {
  if (!document.querySelector('.plot[data-figure]')) return;
  const { drawAll } = await import('./plots.js');
  drawAll();
}

startTheme();
startCharts();
document.addEventListener('htmx:after:swap', startCharts);
startMenus();
startChecks();
startDialogs();
startKeys();
startClock();
startLive();

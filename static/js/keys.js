// Keyboard for everything: G then a letter, J and K through rows, single letters from data-key.
// Single letters work only outside inputs and can be switched off (WCAG 2.1.4).
let waitingForGo = 0;

const letters = () => {
  try {
    return localStorage.getItem('letters') !== 'off';
  } catch {
    return true;
  }
};

const typing = target => target.closest?.('input:not([type="checkbox"]):not([type="radio"]), textarea, select, [contenteditable]');
const rows = () => [...document.querySelectorAll('[data-row]')].filter(row => row.offsetParent !== null);
const linkOf = row => row.matches('a') ? row : row.querySelector('a[href], button');

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const here = all.findIndex(row => row.contains(document.activeElement));
  const marked = here < 0 ? all.findIndex(row => row.getAttribute('aria-current') === 'true') : here;
  const next = all[Math.min(all.length - 1, Math.max(0, marked + step))] ?? all[0];
  linkOf(next)?.focus();
  next.scrollIntoView({ block: 'nearest' });
  return true;
}

function select() {
  const box = document.activeElement.closest('[data-row]')?.querySelector('input[type="checkbox"]');
  box?.click();
  return Boolean(box);
}

function search() {
  const field = document.querySelector('[data-search], [role="search"] input, [role="search"] select');
  field?.focus();
  field?.select?.();
  return Boolean(field);
}

function go(letter) {
  const link = document.querySelector(`.nav a[data-go="${CSS.escape(letter)}"]`);
  link?.click();
  return Boolean(link);
}

function press(letter) {
  const target = [...document.querySelectorAll('[data-key]')]
    .find(element => element.dataset.key.toLowerCase() === letter && element.offsetParent !== null);
  if (!target || target.getAttribute('aria-disabled') === 'true') return false;
  const inRow = document.activeElement.closest('[data-row]')?.querySelector(`[data-key="${CSS.escape(letter)}"]`);
  (inRow ?? target).click();
  return true;
}

const FIXED = {
  '?': () => document.getElementById('keys').showModal(),
  '/': search,
  j: () => move(1),
  k: () => move(-1),
  x: select,
  g: () => { waitingForGo = Date.now(); },
};

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape' && event.target.closest('[role="search"]')) {
    event.target.blur(); // out of the filter, so that letters are keys again
    return;
  }
  if (event.key === 'Escape' && !typing(event.target)) {
    document.querySelector('[data-back]')?.click();
    return;
  }
  if (typing(event.target) || event.target.closest?.('details.menu')) return;
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    if (document.activeElement.closest('[data-row]') && move(event.key === 'ArrowDown' ? 1 : -1)) event.preventDefault();
    return;
  }
  if (event.key !== '?' && !letters()) return;
  const letter = event.key.toLowerCase();
  const wentFirst = Date.now() - waitingForGo < 1500;
  waitingForGo = 0;
  const done = wentFirst ? go(letter) : FIXED[letter] ? FIXED[letter]() : press(letter);
  if (done !== false) event.preventDefault();
}

function startSwitch() {
  const box = document.querySelector('[data-letters]');
  if (!box) return;
  box.checked = letters();
  box.addEventListener('change', () => {
    try {
      localStorage.setItem('letters', box.checked ? 'on' : 'off');
    } catch {
      box.checked = true; // without storage they stay on
    }
  });
}

export function startKeys() {
  document.addEventListener('keydown', onKey);
  startSwitch();
}

// Polling that knows when to keep still, and the light that says whether it works.
// htmx trigger filters need eval, which our policy refuses; the decision is made here instead.
const etags = new Map();
let failures = 0;
let lastWord = Date.now();

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? '';

function busy(section) {
  const focus = document.activeElement;
  const typing = section.contains(focus) && focus.matches('input:not([type="checkbox"]), select, textarea');
  return typing || section.querySelector('input[type="checkbox"]:checked') || section.querySelector('dialog[open]');
}

function show(word, kind) {
  const light = document.querySelector('.light');
  if (!light) return;
  const text = light.querySelector('span');
  if (text.textContent !== word) text.textContent = word;
  light.className = `light ${kind}`.trim();
}

function heard(ok) {
  failures = ok ? 0 : failures + 1;
  if (ok) lastWord = Date.now();
  if (!failures) show('Live', '');
  else if (failures < 3) show('Trying again', 'slow');
  else show('No connection', 'off');
}

async function ping(url) {
  if (document.hidden || Date.now() - lastWord < 10_000) return;
  try {
    const response = await fetch(url, { cache: 'no-store', credentials: 'same-origin' });
    heard(response.ok);
  } catch {
    heard(false);
  }
}

function beforeSend(event) {
  const { ctx } = event.detail;
  if (ctx.request.method !== 'GET') ctx.request.headers['X-CSRFToken'] = csrf();
  if (ctx.sourceEvent?.type !== 'every') return;
  if (document.hidden || busy(ctx.sourceElement)) {
    event.preventDefault();
    return;
  }
  ctx.request.headers.Poll = '1'; // nobody asked for it: a session ends all the same
  const tag = etags.get(ctx.request.action);
  if (tag) ctx.request.headers['If-None-Match'] = tag;
  ctx.request.cache = 'no-store'; // the browser's own cache would hide the 304 from us
}

// The bar is not part of what is polled: its badge follows the header of every answer.
function badge(text) {
  const [key, count] = text.split('=');
  const link = document.querySelector(`.nav a[data-go="${CSS.escape(key)}"]`);
  const shown = link?.querySelector('.n');
  if (!count) shown?.remove();
  else if (shown) shown.firstChild.data = count;
  else link?.insertAdjacentHTML('beforeend', ' <span class="n"> <span class="sr"> waiting</span></span>');
  if (count && !shown && link) link.querySelector('.n').firstChild.data = count;
}

function onAnswer(event) {
  const { response, request } = event.detail.ctx;
  const waiting = response.headers.get('X-Waiting');
  if (waiting) badge(waiting);
  const tag = response.headers.get('ETag');
  if (tag && response.status === 200) etags.set(request.action, tag);
  heard(response.status < 500);
  // A login page or an error page must not be swapped into a card.
  if (response.raw.redirected && new URL(response.raw.url).pathname.includes('/login')) {
    event.preventDefault();
    location.reload();
  } else if (response.status >= 400 && event.detail.ctx.sourceEvent?.type === 'every') {
    event.preventDefault();
  }
}

// The server does not know which tables somebody has opened; a poll must not close them.
let open = [];
function beforeSwap() {
  open = [...document.querySelectorAll('main details[open]')];
}

function afterSwap() {
  for (const details of open) if (details.isConnected) details.open = true;
}

export function startLive() {
  document.addEventListener('htmx:before:swap', beforeSwap);
  document.addEventListener('htmx:after:swap', afterSwap);
  document.addEventListener('htmx:config:request', beforeSend);
  document.addEventListener('htmx:before:response', onAnswer);
  document.addEventListener('htmx:error', () => heard(false));
  addEventListener('offline', () => show('No connection', 'off'));
  addEventListener('online', () => heard(true));
  const url = document.documentElement.dataset.ping;
  if (!url) return;
  lastWord = 0;
  ping(url);
  setInterval(ping, 10_000, url);
}

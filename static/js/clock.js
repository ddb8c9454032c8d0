// The clock in the bar and every countdown, in the server's time.
const HOUR = 3600_000;
const root = document.documentElement;

// The page says what time it was on the server; a wrong clock on this machine must not move a deadline.
let skew = 0;
export const serverNow = () => new Date(Date.now() + skew);

function parts(zone) {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit',
    hour: '2-digit', minute: '2-digit', second: '2-digit',
  });
  return instant => Object.fromEntries(format.formatToParts(instant).map(part => [part.type, part.value]));
}

// Local midnight as an instant: days of 23 and 25 hours make it more than a subtraction.
function midnight(instant, read) {
  const today = read(instant).day;
  let low = instant.getTime() - 27 * HOUR;
  let high = instant.getTime();
  while (high - low > 1000) {
    const middle = (low + high) / 2;
    if (read(new Date(middle)).day === today) high = middle;
    else low = middle;
  }
  return Math.round(high / 60_000) * 60_000;
}

function isps(instant, read, minutes) {
  const start = midnight(instant, read);
  const end = midnight(new Date(start + 26 * HOUR), read);
  const length = minutes * 60_000;
  return { now: Math.floor((instant - start) / length) + 1, count: Math.round((end - start) / length) };
}

function drawClock(clock, read) {
  const now = serverNow();
  const local = read(now);
  clock.querySelector('[data-local]').textContent = `${local.hour}:${local.minute}:${local.second}`;
  clock.querySelector('[data-utc]').textContent = `${now.toISOString().slice(11, 19)} UTC`;
  const { now: isp, count } = isps(now, read, Number(clock.dataset.isp));
  clock.querySelector('[data-isp-now]').textContent = `ISP ${isp} of ${count}`;
}

export function left(seconds) {
  if (seconds <= 0) return '0:00';
  const two = n => String(n).padStart(2, '0');
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600);
  if (days >= 2) return `${days} d ${hours % 24} h`;
  const tail = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${tail}` : `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}

export function urgency(seconds) {
  if (seconds < 15 * 60) return 'last';
  return seconds < 3600 ? 'soon' : '';
}

function drawCount(element) {
  const seconds = Math.floor((Date.parse(element.dateTime) - serverNow()) / 1000);
  const text = seconds <= 0 ? 'over' : left(seconds);
  if (element.textContent !== text) element.textContent = text;
  const level = seconds <= 0 ? 'over' : urgency(seconds);
  if (element.dataset.level === level) return;
  element.dataset.level = level;
  element.className = `count ${level}`.trim();
  const row = element.closest('tr');
  if (row && !row.classList.contains('done')) {
    row.classList.toggle('soon', level === 'soon');
    row.classList.toggle('last', level === 'last');
  }
}

export function startClock() {
  skew = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
  const clock = document.querySelector('.clock[data-zone]');
  const read = clock && parts(clock.dataset.zone);
  const tick = () => {
    if (clock) drawClock(clock, read);
    document.querySelectorAll('time.count').forEach(drawCount);
    setTimeout(tick, 1000 - (serverNow() % 1000));
  };
  tick();
  document.addEventListener('htmx:after:swap', () => document.querySelectorAll('time.count').forEach(drawCount));
}

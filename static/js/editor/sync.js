// Keeps the server in step: checks while typing, saves when dirty, never loses what was typed.
const CHECK_AFTER = 400;
const SAVE_AFTER = 3000;
const RETRY_AFTER = 8000;

const csrf = () => document.querySelector('meta[name="csrf-token"]');

// Who logs in again in another tab has another form token: this page asks for it instead of losing what was typed.
// An answer that stands for a 403, where asking changes something: the second try, or that nobody is signed in.
async function withFreshToken(refused, again) {
  const page = await fetch(location.href, { credentials: 'same-origin' });
  if (page.redirected) return { status: 401, redirected: true, headers: page.headers };
  const found = page.ok && /name="csrf-token" content="([^"]+)"/.exec(await page.text());
  if (!found) return refused;
  csrf().content = found[1];
  return again();
}

// A page that is being left has its request carried on, as far as browsers do so: up to 64 KiB in all.
const CARRIED = 60_000;

function send(url, draft, headers) {
  const body = JSON.stringify(draft);
  return fetch(url, {
    method: 'POST', credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', 'X-CSRFToken': csrf().content, Accept: 'application/json', ...headers },
    body, keepalive: document.visibilityState === 'hidden' && body.length < CARRIED,
  });
}

export async function post(url, body, headers = {}) {
  let response = await send(url, body, headers);
  if (response.status === 403) response = await withFreshToken(response, () => send(url, body, headers));
  const json = response.headers.get('Content-Type')?.includes('json') ? await response.json() : {};
  return { ok: response.ok && !response.redirected, status: response.redirected ? 401 : response.status, ...json };
}

// The same content has the same text, in whatever order a database hands it back.
function settled(value) {
  if (Array.isArray(value)) return value.map(settled);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map(key => [key, settled(value[key])]));
}
const same = (one, other) => JSON.stringify(settled(one)) === JSON.stringify(settled(other));

const SENTENCES = {
  401: 'not saved: you are signed out. Log in in another tab; what you typed is still here',
  404: 'not saved: this draft was deleted in another window; what you typed is still here',
};

export class Sync {
  // With a token (the version that was read) a save on top of another one is refused: onConflict(answer).
  constructor({ draft, checkUrl, saveUrl, onChecked, onStatus, token = '', onConflict = () => {} }) {
    Object.assign(this, { draft, checkUrl, saveUrl, onChecked, onStatus, token, onConflict });
    this.last = null; // what was posted last, whether or not we heard that it arrived
    this.changes = 0;
    this.saved = 0;
    this.saving = null;
    this.saveTimer = null;
    this.lost = false;
    addEventListener('beforeunload', event => {
      if (!this.leaving && this.dirty) event.preventDefault();
    });
    // A tab that is put away may never come back.
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden' && this.dirty && !this.lost) this.save();
    });
  }

  get dirty() {
    return this.saved !== this.changes;
  }

  touched() {
    this.changes += 1;
    clearTimeout(this.checkTimer);
    this.checkTimer = setTimeout(() => this.check(), CHECK_AFTER);
    if (!this.colliding) this.saveIn(SAVE_AFTER); // who types on and on is saved on the way, too
    if (!this.lost) this.onStatus('dirty', 'not saved yet');
  }

  // An answer that was overtaken by further typing is dropped: the next one is on its way.
  async check() {
    clearTimeout(this.checkTimer);
    const asked = this.changes;
    try {
      const answer = await post(this.checkUrl, this.draft());
      if (asked !== this.changes) return;
      if (answer.ok) this.onChecked(answer);
      else this.onStatus('trouble', answer.sentence ?? `the rules could not be checked (HTTP ${answer.status})`);
    } catch {
      if (asked === this.changes) this.onStatus('trouble', 'the rules cannot be checked: no connection');
    }
  }

  async save() {
    if (this.colliding || this.leaving) return false; // what was sent is not saved again behind its back
    if (this.saving) return this.saving;
    this.saveNoMore();
    this.saving = this.saveOnce();
    const done = await this.saving;
    this.saving = null;
    if (!done) this.saveNoMore(); // what was typed meanwhile waits as long as the rest
    if (this.dirty && !this.lost && !this.leaving) this.saveIn(done ? SAVE_AFTER : RETRY_AFTER);
    return done;
  }

  saveIn(milliseconds) {
    this.saveTimer ??= setTimeout(() => this.save(), milliseconds);
  }

  saveNoMore() {
    clearTimeout(this.saveTimer);
    this.saveTimer = null;
  }

  async saveOnce() {
    const asked = this.changes;
    try {
      const draft = this.draft();
      const before = this.last;
      this.last = draft;
      const answer = await post(this.saveUrl, draft, this.token ? { 'If-Match': `"${this.token}"` } : {});
      if (answer.status === 409 && answer.token && before && same(answer.theirs, before)) {
        this.token = answer.token; // our own save, whose answer was lost on its way
        return await this.saveOnce();
      }
      if (answer.ok) {
        this.saved = asked;
        this.token = answer.token ?? this.token;
        this.onStatus('saved', answer.saved_at, answer);
        return true;
      }
      // Somebody else saved or sent it: trying again would only overwrite their work.
      this.lost = answer.status === 409 || answer.status === 403 || answer.status === 404;
      const words = SENTENCES[answer.status] ?? `not saved (HTTP ${answer.status}); what you typed is still here`;
      if (answer.status === 409 && this.token) this.collide(answer);
      else this.onStatus('trouble', answer.sentence ?? words);
    } catch {
      this.onStatus('trouble', 'not saved: no connection; what you typed is still here');
    }
    return false;
  }

  collide(answer) {
    this.lost = true;
    this.colliding = true;
    this.onStatus('trouble', answer.token ? 'not saved: choose a version' : 'not saved: this is no draft any more');
    this.onConflict(answer);
  }

  // Somebody chose between two versions: from here on we build on the one that stands there.
  adopt(token) {
    this.lost = false;
    this.colliding = false;
    this.token = token;
  }

  leave() {
    this.leaving = true;
    this.saveNoMore();
    clearTimeout(this.checkTimer);
  }
}

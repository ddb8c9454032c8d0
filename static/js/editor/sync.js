// Keeps the server in step: checks while typing, saves when dirty, never loses what was typed.
const CHECK_AFTER = 400;
const SAVE_AFTER = 3000;
const RETRY_AFTER = 8000;

const csrf = () => document.querySelector('meta[name="csrf-token"]').content;

export async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST', credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', 'X-CSRFToken': csrf(), Accept: 'application/json' },
    body: JSON.stringify(body),
  });
  const json = response.headers.get('Content-Type')?.includes('json') ? await response.json() : {};
  return { ok: response.ok && !response.redirected, status: response.status, ...json };
}

export class Sync {
  constructor({ draft, checkUrl, saveUrl, onChecked, onStatus }) {
    Object.assign(this, { draft, checkUrl, saveUrl, onChecked, onStatus });
    this.changes = 0;
    this.saved = 0;
    this.saving = null;
    this.lost = false;
    addEventListener('beforeunload', event => {
      if (this.leaving || this.saved === this.changes) return;
      event.preventDefault();
    });
  }

  get dirty() {
    return this.saved !== this.changes;
  }

  touched() {
    this.changes += 1;
    clearTimeout(this.checkTimer);
    clearTimeout(this.saveTimer);
    this.checkTimer = setTimeout(() => this.check(), CHECK_AFTER);
    this.saveTimer = setTimeout(() => this.save(), SAVE_AFTER);
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
    if (this.saving) return this.saving;
    clearTimeout(this.saveTimer);
    this.saving = this.saveOnce();
    const done = await this.saving;
    this.saving = null;
    if (this.dirty && !this.lost) this.saveTimer = setTimeout(() => this.save(), done ? SAVE_AFTER : RETRY_AFTER);
    return done;
  }

  async saveOnce() {
    const asked = this.changes;
    try {
      const answer = await post(this.saveUrl, this.draft());
      if (answer.ok) {
        this.saved = asked;
        this.onStatus('saved', answer.saved_at, answer);
        return true;
      }
      // Somebody else saved or sent it: trying again would only overwrite their work.
      this.lost = answer.status === 409 || answer.status === 403 || answer.status === 404;
      this.onStatus('trouble', answer.sentence ?? `not saved (HTTP ${answer.status}); what you typed is still here`);
    } catch {
      this.onStatus('trouble', 'not saved: no connection; what you typed is still here');
    }
    return false;
  }

  leave() {
    this.leaving = true;
    clearTimeout(this.saveTimer);
    clearTimeout(this.checkTimer);
  }
}

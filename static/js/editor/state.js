// The one state object with its history. Whoever changes it says so once; whoever shows it listens.
const DEPTH = 200;

export class Store {
  constructor(draft) {
    this.draft = structuredClone(draft);
    this.past = [];
    this.future = [];
    this.typing = null;
    this.version = 0;
    this.listeners = [];
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  tell(kind) {
    this.version += 1;
    for (const listener of this.listeners) listener(kind);
  }

  // `same` names a cell that is being typed in: its keystrokes are one step of undo.
  change(edit, { kind = 'values', same = null } = {}) {
    const before = JSON.stringify(this.draft);
    edit(this.draft);
    if (JSON.stringify(this.draft) === before) return false;
    if (same === null || same !== this.typing) {
      this.past.push(before);
      if (this.past.length > DEPTH) this.past.shift();
    }
    this.typing = same;
    this.future = [];
    this.tell(kind);
    return true;
  }

  settle() {
    this.typing = null;
  }

  step(from, to) {
    if (!from.length) return false;
    to.push(JSON.stringify(this.draft));
    this.draft = JSON.parse(from.pop());
    this.typing = null;
    this.tell('structure');
    return true;
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }
}

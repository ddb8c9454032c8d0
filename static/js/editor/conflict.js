// Two windows on one draft: says so, loses neither version, and lets somebody choose. What was sent from the
// other one is no draft any more: it can only be opened.
const $ = id => document.getElementById(id);

export class Conflict {
  // load(theirs) shows the other version; the sync carries on from whichever is chosen.
  constructor(sync, load) {
    this.found = null;
    $('load-theirs').addEventListener('click', () => {
      const { theirs } = this.found;
      this.settle(sync);
      load(theirs);
    });
    $('keep-mine').addEventListener('click', () => {
      this.settle(sync);
      sync.save();
    });
  }

  show(answer) {
    this.found = answer;
    const over = !answer.token;
    $('conflict-text').textContent = over ? `${answer.sentence} What you typed here is not part of it.` : answer.sentence;
    $('load-theirs').hidden = over;
    $('keep-mine').hidden = over;
    $('open-theirs').hidden = !over;
    $('conflict').hidden = false;
    $('conflict').scrollIntoView({ block: 'nearest' });
  }

  focus() {
    $('conflict').focus();
  }

  settle(sync) {
    sync.adopt(this.found.token);
    this.found = null;
    $('conflict').hidden = true;
  }
}

// A spreadsheet of plain inputs: moving, selecting a block, filling, copying, pasting. Knows cells as text only.
// Cells carry data-r and data-c; what a text means is the business of `write`.
export class Grid {
  constructor(table, { columns, rows, read, write, copied, paste, focused, settled }) {
    Object.assign(this, { table, columns, rows, read, write, copied, paste, focused, settled });
    this.anchor = null;
    this.focus = null;
    this.extending = false;
    table.addEventListener('focusin', event => this.onFocus(event));
    table.addEventListener('focusout', event => this.onLeave(event));
    table.addEventListener('keydown', event => this.onKey(event));
    table.addEventListener('input', event => this.onInput(event));
    table.addEventListener('copy', event => this.onCopy(event, false));
    table.addEventListener('cut', event => this.onCopy(event, true));
    table.addEventListener('paste', event => this.onPaste(event));
    table.addEventListener('pointerdown', event => this.onPointer(event));
    table.addEventListener('pointerover', event => this.onDrag(event));
  }

  cell(r, c) {
    return this.table.querySelector(`[data-r="${r}"][data-c="${c}"]`);
  }

  place(element) {
    const cell = element.closest?.('[data-r]');
    return cell ? { r: Number(cell.dataset.r), c: Number(cell.dataset.c) } : null;
  }

  // The selected block, at least the cell that has the focus.
  block() {
    if (!this.focus) return null;
    const anchor = this.anchor ?? this.focus;
    return {
      top: Math.min(anchor.r, this.focus.r), bottom: Math.max(anchor.r, this.focus.r),
      left: Math.min(anchor.c, this.focus.c), right: Math.max(anchor.c, this.focus.c),
    };
  }

  many() {
    const block = this.block();
    return Boolean(block) && (block.top !== block.bottom || block.left !== block.right);
  }

  inBlock() {
    const block = this.block();
    const found = [];
    for (let r = block.top; r <= block.bottom; r += 1) {
      for (let c = block.left; c <= block.right; c += 1) found.push({ r, c });
    }
    return found;
  }

  mark() {
    this.table.querySelectorAll('.sel').forEach(cell => cell.classList.remove('sel'));
    if (!this.many()) return;
    for (const { r, c } of this.inBlock()) this.cell(r, c)?.closest('td').classList.add('sel');
  }

  go(r, c, extend = false) {
    const row = Math.min(this.rows() - 1, Math.max(0, r));
    const column = Math.min(this.columns() - 1, Math.max(0, c));
    this.extending = extend;
    const cell = this.cell(row, column);
    cell?.focus();
    cell?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.extending = false;
  }

  onFocus(event) {
    const here = this.place(event.target);
    if (!here) return;
    this.focus = here;
    if (!this.extending) this.anchor = here;
    event.target.select?.();
    this.mark();
    this.focused?.(here);
  }

  onLeave(event) {
    const here = this.place(event.target);
    if (here) this.settled?.(here);
  }

  onPointer(event) {
    const here = this.place(event.target);
    if (!here || !event.shiftKey || !this.focus) return;
    event.preventDefault();
    this.go(here.r, here.c, true);
  }

  onDrag(event) {
    const here = event.buttons === 1 && this.anchor && event.pointerType === 'mouse' ? this.place(event.target) : null;
    if (!here || (here.r === this.focus?.r && here.c === this.focus?.c)) return;
    this.go(here.r, here.c, true);
  }

  onInput(event) {
    const here = this.place(event.target);
    if (here) this.write([{ ...here, text: event.target.value }], { typing: true });
  }

  onKey(event) {
    const here = this.place(event.target);
    if (!here || event.isComposing) return;
    const done = event.ctrlKey || event.metaKey ? this.command(event) : this.key(event, here);
    if (done) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  command(event) {
    if (event.altKey || event.key.toLowerCase() !== 'd') return false;
    this.fillDown();
    return true;
  }

  key(event, { r, c }) {
    if (event.altKey) return false;
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (step) return this.arrow(event, r + step[0], c + step[1], step[1]);
    if (event.key === 'Enter') {
      this.go(r + (event.shiftKey ? -1 : 1), c);
      return true;
    }
    if (event.key === 'Delete' && (this.many() || wholeSelected(event.target))) {
      this.write(this.inBlock().map(cell => ({ ...cell, text: '' })), {});
      return true;
    }
    if (event.key === 'Escape' && this.many()) {
      this.anchor = this.focus;
      this.mark();
      return true;
    }
    return false;
  }

  // Sideways keys belong to the text until the caret has reached its end.
  arrow(event, r, c, sideways) {
    if (sideways && !event.shiftKey && !atEdge(event.target, sideways)) return false;
    if (sideways && event.shiftKey && !wholeSelected(event.target)) return false;
    this.go(r, c, event.shiftKey);
    return true;
  }

  fillDown() {
    const block = this.block();
    if (!block) return;
    const single = block.top === block.bottom;
    const from = single ? block.top - 1 : block.top;
    if (from < 0) return;
    const cells = this.inBlock().filter(({ r }) => r > from);
    this.write(cells.map(({ r, c }) => ({ r, c, text: this.read(from, c) })), { filled: true });
  }

  onCopy(event, cut) {
    if (!this.place(event.target) || (!this.many() && !wholeSelected(event.target))) return;
    const block = this.block();
    const lines = [];
    for (let r = block.top; r <= block.bottom; r += 1) {
      const line = [];
      for (let c = block.left; c <= block.right; c += 1) line.push(this.copied(r, c));
      lines.push(line.join('\t'));
    }
    event.clipboardData.setData('text/plain', lines.join('\n'));
    event.preventDefault();
    if (cut) this.write(this.inBlock().map(cell => ({ ...cell, text: '' })), {});
  }

  onPaste(event) {
    if (!this.place(event.target)) return;
    const text = event.clipboardData.getData('text/plain');
    const single = !/[\t\n\r]/.test(text.replace(/[\r\n]+$/, ''));
    if (single && !this.many() && !wholeSelected(event.target)) return;
    event.preventDefault();
    const block = this.block();
    this.paste(text, block, single && this.many());
  }

  // Shows what the state says, except in the cell that is being typed in.
  refresh(show) {
    for (const cell of this.table.querySelectorAll('[data-r]')) {
      const { r, c } = this.place(cell);
      const text = this.read(r, c);
      const typing = cell === document.activeElement && show !== 'all';
      if (!typing && cell.value !== text) cell.value = text;
    }
  }
}

function atEdge(field, direction) {
  if (field.selectionStart === null || field.selectionStart === undefined) return true;
  if (wholeSelected(field)) return true;
  const edge = direction < 0 ? 0 : field.value.length;
  return field.selectionStart === edge && field.selectionEnd === edge;
}

function wholeSelected(field) {
  if (field.selectionStart === null || field.selectionStart === undefined) return true;
  return field.selectionStart === 0 && field.selectionEnd === field.value.length;
}

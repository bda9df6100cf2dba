/** A long list of which only what is in view exists: lines of any height, measured when they are drawn. */

const OVERSCAN = 240;

export class VirtualList {
  /**
   * @param {HTMLElement} scroller it has a size of its own and scrolls
   * @param {HTMLElement} inner in it, as high as all lines
   * @param {(n: number) => HTMLElement} render makes line `n`
   * @param {(n: number) => number} estimate its height in pixels until it is drawn
   */
  constructor(scroller, inner, render, estimate) {
    this.scroller = scroller;
    this.inner = inner;
    this.render = render;
    this.estimate = estimate;
    this.count = 0;
    this.heights = new Float64Array(0);
    this.tops = new Float64Array(1);
    /**
     * Lines in view, by number.
     * @type {Map<number, HTMLElement>}
     */
    this.nodes = new Map();
    this.top = 0;
    this.view = 0;
    this.wide = 0;
    /**
     * The line that stays in view when the scroller gets another size, -1 if none does.
     * @type {() => number}
     */
    this.kept = () => -1;
    scroller.addEventListener("scroll", () => this.update(scroller.scrollTop), { passive: true });
    new ResizeObserver(() => this.sized()).observe(scroller);
  }

  /** The scroller has another size: at another width, lines wrap elsewhere. */
  sized() {
    if (!this.scroller.clientHeight) return this.resize();
    const wide = this.scroller.clientWidth;
    const kept = this.kept();
    const seen = this.view === 0 || this.sees(kept);
    if (wide !== this.wide) this.refresh();
    this.resize();
    if (seen && this.view > 0) this.reveal(kept);
  }

  /**
   * Whether some of a line is in view.
   * @param {number} n
   */
  sees(n) {
    return n >= 0 && n < this.count && this.tops[n + 1] > this.top && this.tops[n] < this.top + this.view;
  }

  /**
   * Draw `count` lines; the first `same` of them are as high as they were, and those that `still` knows are not drawn anew.
   * @param {number} count @param {number} [same] @param {(n: number) => boolean} [still]
   */
  reset(count, same = 0, still = () => false) {
    const heights = new Float64Array(count);
    const keep = Math.min(same, this.count, count);
    heights.set(this.heights.subarray(0, keep));
    for (let n = keep; n < count; n += 1) heights[n] = this.estimate(n);
    this.heights = heights;
    this.count = count;
    this.sum(0, new Float64Array(count + 1));
    this.refresh(still);
  }

  /**
   * Draw again what is in view.
   * @param {(n: number) => boolean} [still]
   */
  refresh(still = () => false) {
    for (const [n, node] of this.nodes) {
      if (still(n)) continue;
      node.remove();
      this.nodes.delete(n);
    }
    if (this.view > 0) this.update(this.top); // as it was when it was last asked: asking costs a layout
    else this.resize();
  }

  resize() {
    const { clientWidth, clientHeight } = this.scroller;
    this.wide = clientHeight ? clientWidth : 0; // what is drawn while it is hidden has no height: it is drawn again when it is shown
    if (!clientHeight && this.view) return; // JupyterLab hides all while it changes its theme, too briefly to be told of it
    this.view = clientHeight;
    this.update(this.scroller.scrollTop);
  }

  /** @param {number} from @param {Float64Array} [tops] */
  sum(from, tops = this.tops) {
    if (from === 0) tops[0] = 0;
    for (let n = from; n < this.count; n += 1) tops[n + 1] = tops[n] + this.heights[n];
    this.tops = tops;
    this.inner.style.height = `${tops[this.count]}px`;
  }

  /**
   * The line at a height.
   * @param {number} y
   */
  at(y) {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  /** @param {number} top how far the list is scrolled */
  update(top) {
    this.top = top;
    if (!this.count) return;
    for (let round = 0; round < 4; round += 1) {
      const first = this.at(this.top - OVERSCAN);
      const last = this.at(this.top + this.view + OVERSCAN);
      for (const [n, node] of this.nodes) {
        if (n >= first && n <= last) continue;
        node.remove();
        this.nodes.delete(n);
      }
      /** @type {[number, HTMLElement][]} */
      const fresh = [];
      let next = null;
      for (let n = last; n >= first; n -= 1) {
        let node = this.nodes.get(n);
        if (!node) {
          node = this.render(n);
          node.style.position = "absolute";
          node.style.left = "0";
          node.style.right = "0";
          this.nodes.set(n, node);
          this.inner.insertBefore(node, next); // in reading order, for screen readers and the tab key
          fresh.push([n, node]);
        }
        node.style.top = `${this.tops[n]}px`;
        next = node;
      }
      if (!this.measure(fresh)) return;
    }
  }

  /**
   * Measure lines just drawn; say whether anything has to move.
   * @param {[number, HTMLElement][]} fresh
   */
  measure(fresh) {
    const anchor = this.at(this.top);
    let from = this.count;
    let moved = 0;
    for (const [n, node] of fresh) {
      const height = node.offsetHeight;
      if (!height || Math.abs(height - this.heights[n]) < 0.5) continue;
      if (n < anchor) moved += height - this.heights[n];
      this.heights[n] = height;
      from = Math.min(from, n);
    }
    if (from === this.count) return false;
    this.sum(from);
    if (moved) {
      this.scroller.scrollTop = this.top + moved; // what is looked at stays where it is
      this.top = this.scroller.scrollTop;
    }
    return true;
  }

  /**
   * Scroll until line `n` is in view, with room above and below.
   * @param {number} n @param {number} [room]
   */
  reveal(n, room = 60) {
    if (n < 0 || n >= this.count) return;
    for (let round = 0; round < 3; round += 1) {
      const top = this.tops[n];
      const end = this.tops[n + 1];
      const to = top < this.top + 8 ? top - room : end > this.top + this.view - 8 ? end - this.view + room : this.top;
      if (Math.abs(to - this.top) < 1) return;
      const far = Math.abs(to - this.top) > this.view;
      this.scroller.scrollTop = far ? top - this.view / 3 : to;
      this.update(this.scroller.scrollTop);
    }
  }
}

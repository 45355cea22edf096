// The paper: strokes of a pointer or of the arrow keys, or a picture, and what of it goes to the server.

const PEN = 0.085; // of the side
const STEP = 1 / 28; // of the arrow keys; with Shift half as far
const SIDE = 280; // of what is sent
const LONGEST = 1600; // side of a picture that is sent

export class Pad {
  // onChange: something else is on the paper; onPen: the pen of the keyboard was put down or lifted
  constructor(canvas, { onChange, onPen }) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.onPen = onPen;
    this.strokes = [];
    this.picture = null;
    this.boxes = [];
    this.chosen = 0;
    this.cursor = null;
    this.penDown = false;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.#end());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#leave());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    this.paint();
  }

  get empty() {
    return !this.picture && !this.strokes.length;
  }

  clear() {
    this.#forget();
    this.strokes = [];
    this.#changed();
  }

  undo() {
    if (this.picture) this.#forget();
    else this.strokes.pop();
    this.current = null;
    this.#changed();
  }

  show(picture) {
    this.#forget();
    this.strokes = [];
    this.picture = picture;
    this.#changed();
  }

  // Where the server found digits, in pixels of what it was sent.
  mark(boxes, chosen) {
    this.boxes = boxes;
    this.chosen = chosen;
    this.paint();
  }

  // What is on the paper as a PNG: dark strokes on white, or the picture.
  async blob() {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    if (this.picture) {
      [canvas.width, canvas.height] = this.#sent();
      context.imageSmoothingQuality = "high";
      context.drawImage(this.picture, 0, 0, canvas.width, canvas.height);
    } else {
      canvas.width = canvas.height = SIDE;
      context.fillStyle = "#fff";
      context.fillRect(0, 0, SIDE, SIDE);
      this.#ink(context, SIDE, "#000");
    }
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  paint() {
    const context = this.canvas.getContext("2d");
    const style = getComputedStyle(this.canvas);
    const side = this.canvas.width;
    context.clearRect(0, 0, side, side);
    if (this.picture) this.#paintPicture(context, side, style.getPropertyValue("--accent"));
    this.#ink(context, side, style.getPropertyValue("--pen"));
    if (this.cursor) {
      const [x, y] = this.cursor;
      context.beginPath();
      context.arc(x * side, y * side, (PEN / 2) * side, 0, 7);
      context.lineWidth = 4;
      context.strokeStyle = style.getPropertyValue(this.penDown ? "--warm" : "--accent");
      context.stroke();
    }
  }

  #paintPicture(context, side, accent) {
    const { width, height } = this.picture;
    const scale = side / Math.max(width, height);
    const [left, top] = [(side - width * scale) / 2, (side - height * scale) / 2];
    context.imageSmoothingEnabled = scale < 4;
    context.drawImage(this.picture, left, top, width * scale, height * scale);
    const shrunk = width / this.#sent()[0];
    this.boxes.forEach((box, at) => {
      if (!box) return;
      const [x0, y0, x1, y1] = box.map((pixel) => pixel * shrunk * scale);
      context.lineWidth = at === this.chosen ? 6 : 3;
      context.strokeStyle = accent;
      context.strokeRect(left + x0 - 5, top + y0 - 5, x1 - x0 + 10, y1 - y0 + 10);
    });
  }

  #sent() {
    const { width, height } = this.picture;
    const shrink = Math.min(1, LONGEST / Math.max(width, height));
    return [Math.max(1, Math.round(width * shrink)), Math.max(1, Math.round(height * shrink))];
  }

  // Through the middles between points, with the points as controls: a polygon would show its corners.
  #ink(context, side, colour) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = PEN * side;
    context.lineCap = context.lineJoin = "round";
    for (const points of this.strokes) {
      const scaled = points.map(([x, y]) => [x * side, y * side]);
      context.beginPath();
      context.moveTo(...scaled[0]);
      for (let at = 1; at < scaled.length - 1; at++) {
        const [x, y] = scaled[at];
        const [nextX, nextY] = scaled[at + 1];
        context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
      }
      context.lineTo(...scaled[scaled.length - 1]);
      context.stroke();
    }
  }

  #begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor = null;
    this.#start(this.#place(event));
  }

  #move(event) {
    if (!this.current || !this.canvas.hasPointerCapture(event.pointerId)) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.current.push(this.#place(one));
    this.#changed();
  }

  #end() {
    if (this.current && !this.penDown) this.current = null;
  }

  #start(point) {
    this.#forget();
    this.current = [point];
    this.strokes.push(this.current);
    this.#changed();
  }

  #key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") this.undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (way) this.#step(way, event.shiftKey ? STEP / 2 : STEP);
    else if (event.key === " " || event.key === "Enter") this.#toggle(event.repeat);
    else if (event.key === "Backspace") this.undo();
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
  }

  #step([x, y], step) {
    const [oldX, oldY] = this.cursor ?? [0.5, 0.5];
    const within = (value) => Math.min(1 - PEN / 2, Math.max(PEN / 2, value));
    this.cursor = [within(oldX + x * step), within(oldY + y * step)];
    if (this.penDown && this.current) {
      this.current.push(this.cursor);
      this.#changed();
    } else this.paint();
  }

  #toggle(held) {
    if (held) return;
    this.cursor ??= [0.5, 0.5];
    this.penDown = !this.penDown;
    if (this.penDown) this.#start(this.cursor);
    else this.current = null;
    this.paint();
    this.onPen(this.penDown);
  }

  #leave() {
    this.cursor = this.current = null;
    this.penDown = false;
    this.paint();
  }

  #forget() {
    this.picture = this.current = null;
    this.boxes = [];
  }

  #place(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  #changed() {
    if (!this.strokes.length) this.penDown = false;
    this.paint();
    this.onChange();
  }
}

/**
 * A thread that loads a compiled module must not be ended meanwhile: the module's start fails then, and takes the whole process
 * with it (`FATAL ERROR: napi_throw`). Whoever ends the thread closes the gate first: it waits for a load that
 * has begun, some milliseconds, and lets none begin.
 */
const gate = { open: 0, loading: 1, passed: 2, closed: 3 } as const;

export function newGate(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** On the thread: what `load` gives, or undefined when the thread is about to be ended. */
export function passGate<Loaded>(state: Int32Array, load: () => Loaded): Loaded | undefined {
  if (Atomics.compareExchange(state, 0, gate.open, gate.loading) !== gate.open) return undefined;
  try {
    return load();
  } finally {
    Atomics.store(state, 0, gate.passed);
    Atomics.notify(state, 0);
  }
}

/** Before the thread is ended. */
export function closeGate(state: Int32Array): void {
  Atomics.compareExchange(state, 0, gate.open, gate.closed);
  Atomics.wait(state, 0, gate.loading, longestWait);
}

/** Milliseconds. */
const longestWait = 10_000;

/**
 * 64-bit fingerprints of paths and other short texts, of names together with a number. Seeded at random, so that no image
 * can be made to have two paths with the same one. The array that is returned is the next call's too.
 */
export function createPathHash(): (text: string, number?: number) => Uint32Array {
  const [first = 0, second = 0] = crypto.getRandomValues(new Uint32Array(2));
  const result = new Uint32Array(2);
  return (text, number = 0) => {
    let low = Math.imul(first ^ number, 0x01000193);
    let high = Math.imul(second ^ ((number << 16) | (number >>> 16)), 0x9e3779b1);
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(((high << 5) | (high >>> 27)) ^ code, 0x9e3779b1);
    }
    // The last characters must reach the low bits too.
    result[0] = Math.imul(low ^ (low >>> 15), 0x85ebca6b) ^ high;
    result[1] = Math.imul(high ^ (high >>> 13), 0xc2b2ae35) ^ low;
    return result;
  };
}

import type http from 'node:http';

/**
 * node:http without an ESM namespace. Making one reads every export, and behind one of them lies all of undici: 20 ms at
 * the start of whatever imports this package.
 */
export function nodeHttp(): typeof http {
  return process.getBuiltinModule('node:http');
}

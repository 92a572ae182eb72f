import type http from 'node:http';
import type https from 'node:https';

/**
 * node:http without an ESM namespace. Making one reads every export, and behind one of them lies all of undici: 20 ms at
 * the start of whatever imports this package.
 */
export function nodeHttp(): typeof http {
  return process.getBuiltinModule('node:http');
}

/** node:https, and with it all of TLS, for when it is needed: a registry on this machine often speaks plain HTTP. */
export function nodeHttps(): typeof https {
  return process.getBuiltinModule('node:https');
}

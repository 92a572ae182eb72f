import type http from 'node:http';
import type tls from 'node:tls';
import { nodeHttp, nodeHttps } from './node-http.ts';
import { createTunnelAgent } from './tunnel-agent.ts';
import { tappable } from './socket-tap.ts';

/** What TLS needs beyond the defaults, as PEM. */
export interface TlsOptions {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Accepts any certificate. Only from the config file, and warned of. */
  readonly insecure?: boolean;
}

// With two addresses for a name Node gives each 250 ms, too little for a connection across the world.
const shared = { keepAlive: true, maxSockets: 32, autoSelectFamilyAttemptTimeout: 3000 } as const;

/** An agent for `https:` or `http:`, straight or through a proxy. It keeps connections until destroyed. */
export function createAgent(protocol: string, proxy: URL | undefined, options: TlsOptions & Trust): http.Agent {
  if (protocol === 'http:')
    return tappable(proxy?.protocol === 'https:' ? new (nodeHttps().Agent)(shared) : new (nodeHttp().Agent)(shared));
  const secure = { ...shared, ...tlsOptions(options) };
  return proxy === undefined ? tappable(new (nodeHttps().Agent)(secure)) : createTunnelAgent(secure, proxy);
}

export interface Trust {
  /**
   * Trust what this machine trusts (its administrator added a company's CA there), besides what Node brings. Asked for
   * only when Node's own did not suffice: reading and parsing them takes some 50 ms.
   */
  readonly system?: boolean;
}

function tlsOptions(options: TlsOptions & Trust): tls.SecureContextOptions & { rejectUnauthorized?: boolean } {
  const { ca, certificate, key, insecure, system } = options;
  const tls = process.getBuiltinModule('node:tls');
  const more = [...(system === true ? tls.getCACertificates('system') : []), ...(ca === undefined ? [] : [ca])];
  return {
    ...(more.length === 0 ? {} : { ca: [...new Set([...tls.getCACertificates('default'), ...more])] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  };
}

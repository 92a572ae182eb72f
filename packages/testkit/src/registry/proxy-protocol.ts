import type { FaultRule } from './faults.ts';
import type { RecordedRequest } from './request-log.ts';

export interface FaultyRegistryOptions {
  /** The registry behind it: its `url`. */
  readonly upstream: string;
  /** Looked through in order; the first rule that fits a request and is not used up befalls it. */
  readonly script?: readonly FaultRule[];
  /**
   * Ask for Bearer tokens of the proxy's own, before a registry that asks for none. Without a user name anyone
   * gets one; `usesPerToken` makes tokens expire after so many requests.
   */
  readonly auth?: { readonly username?: string; readonly password?: string; readonly usesPerToken?: number };
  /** Serve https: paths of PEM files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export type ProxyStart = FaultyRegistryOptions & { readonly script: readonly FaultRule[] };

export type ProxyCommand =
  | { readonly name: 'ports' }
  | { readonly name: 'requests' }
  | { readonly name: 'clear' }
  | { readonly name: 'script'; readonly script: readonly FaultRule[] };

export interface ProxyReply {
  readonly sequence: number;
  readonly ports?: { readonly registry: number; readonly storage: number };
  readonly requests?: readonly RecordedRequest[];
}

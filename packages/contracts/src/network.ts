/** A port of the host's, or several in a row, that lead to ports of the container's. */
export interface PublishedPort {
  /** The host's address to listen at, IPv4 or IPv6; undefined for all. */
  readonly address?: string;
  /** In a request 0 stands for any that is free; a plan names the one that was found. */
  readonly hostPort: number;
  /** In a request: any that is free, from `hostPort` up to this one. */
  readonly lastHostPort?: number;
  readonly containerPort: number;
  /** How many consecutive ports, from these on; default 1. */
  readonly count?: number;
  /** Default `tcp`. */
  readonly protocol?: 'tcp' | 'udp';
}

/**
 * A network namespace's connection through an ordinary host process, which turns its packets into the calls of a
 * program: no bridge, no firewall rule and no privilege of the host's is needed.
 */
export interface UserModeNetwork {
  readonly kind: 'user-mode';
  readonly tool: 'pasta' | 'slirp4netns';
  /** Absolute path of the tool. */
  readonly program: string;
  /** The address at which the tool answers the container's DNS queries, with the help of the host's resolver. */
  readonly dns: string;
  readonly ports: readonly PublishedPort[];
}

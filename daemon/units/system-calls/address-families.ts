// Socket address families by name (address_families(7)).
const NAMES =
  `UNSPEC UNIX INET AX25 IPX APPLETALK NETROM BRIDGE ATMPVC X25 INET6 ROSE DECnet NETBEUI SECURITY KEY NETLINK
PACKET ASH ECONET ATMSVC RDS SNA IRDA PPPOX WANPIPE LLC IB MPLS CAN TIPC BLUETOOTH IUCV RXRPC ISDN PHONET IEEE802154 CAIF
ALG NFC VSOCK KCM QIPCRTR SMC XDP MCTP`
    .split(/\s+/)
    .map(name => `AF_${name}`)

const SAME: Readonly<Record<string, string>> = {
  AF_LOCAL: 'AF_UNIX',
  AF_FILE: 'AF_UNIX',
  AF_ROUTE: 'AF_NETLINK',
}

/** The family that a name means by the name that is common; null: there is none. */
export function addressFamily(name: string): string | null {
  const common = SAME[name] ?? name
  // The first is no family.
  return NAMES.indexOf(common) > 0 ? common : null
}

export const addressFamilyNumber = (name: string): number => NAMES.indexOf(name)

/* The signals that wait while Node starts: the kernel's form of runtime/signals.ts. */
#ifndef HEARTH_HELD_H
#define HEARTH_HELD_H

#include <signal.h>
#include <stdint.h>

#define BIT(signal) (UINT64_C(1) << ((signal) - 1))
#define MASK_BYTES 8

/* SIGRTMIN is 34 for all but the C library itself. */
static const uint64_t held_signals = BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGTERM)
	| BIT(37) | BIT(38) | BIT(39) | BIT(40);

#endif

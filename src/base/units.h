/* base/units.h: quantities as text for people. Units of bytes are powers of 1000.
 *
 * The text functions write at most NEAP_UNITS_ROOM bytes, with the terminator, and return
 * `out`. Any thread.
 */
#ifndef NEAP_BASE_UNITS_H
#define NEAP_BASE_UNITS_H

#include <stdint.h>

enum { NEAP_UNITS_ROOM = 32 };

/* "512 B", "1.5 kB", "12.3 MB", "4.0 GB" */
char *neap_units_bytes(char out[NEAP_UNITS_ROOM], uint64_t bytes);

/* "250 ns", "1.3 ms", "2.35 s", "3 min 20 s" */
char *neap_units_ns(char out[NEAP_UNITS_ROOM], uint64_t ns);

/* A quotient in three or four characters and an x: "0.45x", "12.3x", "123x"; "-" if not finite. */
char *neap_units_ratio(char out[NEAP_UNITS_ROOM], double ratio);

/* A unit, for a whole column or axis. */
struct neap_unit {
    const char *name; /* "MB" */
    double bytes;     /* bytes in one unit */
};

/* The smallest unit in which `largest_bytes` has at most four digits before the point. */
struct neap_unit neap_units_pick(uint64_t largest_bytes);

#endif

/* base/units.c: writes quantities as text. */
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

static const struct neap_unit byte_units[] = {
    {"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
};
enum { BYTE_UNITS = sizeof(byte_units) / sizeof(byte_units[0]) };

/* The smallest unit in which `bytes`, rounded to a tenth, is below `limit`. It compares products, which
 * are exact with any precision (x87), and not quotients. */
static struct neap_unit unit_below(double bytes, double limit) {
    size_t i = 0;
    while (i + 1 < BYTE_UNITS && bytes * 10 >= (limit * 10 - 0.5) * byte_units[i].bytes)
        i++;
    return byte_units[i];
}

char *neap_units_bytes(char out[NEAP_UNITS_ROOM], uint64_t bytes) {
    struct neap_unit unit = unit_below((double)bytes, 1000);
    snprintf(out, NEAP_UNITS_ROOM, unit.bytes > 1 ? "%.1f %s" : "%.0f %s", (double)bytes / unit.bytes,
             unit.name);
    return out;
}

struct neap_unit neap_units_pick(uint64_t largest_bytes) {
    return unit_below((double)largest_bytes, 10000);
}

char *neap_units_ns(char out[NEAP_UNITS_ROOM], uint64_t ns) {
    if (ns < 1000)
        snprintf(out, NEAP_UNITS_ROOM, "%" PRIu64 " ns", ns);
    else if (ns < 999950)
        snprintf(out, NEAP_UNITS_ROOM, "%.1f us", (double)ns / 1e3);
    else if (ns < 999950000)
        snprintf(out, NEAP_UNITS_ROOM, "%.1f ms", (double)ns / 1e6);
    else if (ns < UINT64_C(59995000000))
        snprintf(out, NEAP_UNITS_ROOM, "%.2f s", (double)ns / 1e9);
    else {
        uint64_t seconds = (ns + 500000000) / 1000000000;
        snprintf(out, NEAP_UNITS_ROOM, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
    }
    return out;
}

char *neap_units_ratio(char out[NEAP_UNITS_ROOM], double ratio) {
    int decimals = ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0;
    if (isfinite(ratio))
        snprintf(out, NEAP_UNITS_ROOM, "%.*fx", decimals, ratio);
    else
        snprintf(out, NEAP_UNITS_ROOM, "-");
    return out;
}

/* hook/settings.h: the NEAP_ variables of the environment, which are read once.
 *
 * The table in base/setting.h defines the variables and their values. A value that is not valid is ignored,
 * and one line on standard error says so.
 */
#ifndef NEAP_HOOK_SETTINGS_H
#define NEAP_HOOK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct neap__settings {
    bool off;               /* NEAP_OFF=1: serve no CPython */
    bool summary;           /* NEAP_SUMMARY=1 */
    bool mesh;              /* NEAP_MESH=1 */
    bool harden;            /* NEAP_HARDEN=1 */
    bool check;             /* NEAP_CHECK=1 */
    bool helper;            /* false if NEAP_HELPER=0 */
    uint32_t decay_ms;      /* NEAP_DECAY_MS; 0 = the heap's default */
    uint64_t reserve_bytes; /* NEAP_RESERVE_BYTES; 0 = the heap's default */
    uint64_t limit_bytes;   /* NEAP_LIMIT_BYTES; 0 = no limit */
};

struct neap__settings neap__settings_read(void);

#endif

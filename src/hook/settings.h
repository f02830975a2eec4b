/* hook/settings.h: the NEAP_ variables of the environment, read once.
 *
 * The table of base/setting.h says which there are and what they take. A value that makes no sense is
 * ignored with one line on standard error.
 */
#ifndef NEAP_HOOK_SETTINGS_H
#define NEAP_HOOK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct neap__settings {
    bool off;               /* NEAP_OFF=1: load, and do nothing */
    bool summary;           /* NEAP_SUMMARY=1 */
    bool harden;            /* NEAP_HARDEN=1 */
    bool check;             /* NEAP_CHECK=1 */
    bool helper;            /* NEAP_HELPER=0 clears it */
    uint32_t decay_ms;      /* NEAP_DECAY_MS; 0: the heap's default */
    uint64_t reserve_bytes; /* NEAP_RESERVE_BYTES; 0: the heap's default */
    uint64_t limit_bytes;   /* NEAP_LIMIT_BYTES; 0: none */
};

struct neap__settings neap__settings_read(void);

#endif

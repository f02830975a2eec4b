/* base/setting.h: the NEAP_ environment variables of a program under Neap, as one table.
 *
 *     base/setting.c ──> hook/settings.c     reads the variables once, when a program starts
 *                   └──> cli                 makes the options of `neap run` and `neap help settings`
 *
 * A test compares docs/settings.md and docs/neap.1 with the table. The texts are arrays, not pointers,
 * so that the preloaded library needs no relocations for them. The table is constant; any thread.
 */
#ifndef NEAP_BASE_SETTING_H
#define NEAP_BASE_SETTING_H

#include <stdbool.h>
#include <stdint.h>

enum neap_setting_kind {
    NEAP_SETTING_FLAG,    /* 0 or 1 */
    NEAP_SETTING_INTEGER, /* a whole number */
    NEAP_SETTING_SIZE,    /* bytes; the option takes 512M, 1.5G */
};

enum neap_setting_name {
    NEAP_SETTING_SUMMARY,
    NEAP_SETTING_MESH,
    NEAP_SETTING_HARDEN,
    NEAP_SETTING_CHECK,
    NEAP_SETTING_DECAY_MS,
    NEAP_SETTING_HELPER,
    NEAP_SETTING_LIMIT_BYTES,
    NEAP_SETTING_RESERVE_BYTES,
    NEAP_SETTING_OFF,
    NEAP_SETTING_CONFINE, /* of `neap` itself */
    NEAP_SETTINGS         /* their number */
};

struct neap_setting {
    char variable[24]; /* "NEAP_DECAY_MS" */
    char option[12];   /* option of `neap run`, "decay"; "" if there is none */
    char argument[8];  /* argument of that option; "" for a flag */
    char standard[32]; /* the value if the variable is not set, in words */
    char help[128];    /* what it does, for --help */
    enum neap_setting_kind kind;
    bool flag;            /* the value of a flag if the option is given; the opposite of `standard` */
    uint64_t least, most; /* bounds of the value, both included */
};

extern const struct neap_setting neap_settings[NEAP_SETTINGS];

/* Reads `text`, the value of the variable: a plain decimal number within the bounds of `setting`.
 * False if it is not valid. */
bool neap_setting_parse(const struct neap_setting *setting, const char *text, uint64_t *value);

#endif

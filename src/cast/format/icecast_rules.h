/* cast/format/icecast_rules.h: what is known of each setting of Icecast, and a file of them once it is read.
 *
 *     <icecast>
 *       <mount>                     a setting that is a group
 *         <burst-size>8000</...>    its rule: "mount/burst-size", becomes burst
 *
 * Settings stand in the order of the file, so those of a group follow it. Only icecast_*.c call this. The
 * table is constant; any thread.
 */
#ifndef CAST_FORMAT_ICECAST_RULES_H
#define CAST_FORMAT_ICECAST_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "cast/format/station.h"

enum cast_icecast_deed {
    CAST_ICECAST_SILENT,   /* a group whose settings speak for it */
    CAST_ICECAST_SAY,      /* its words are all there is */
    CAST_ICECAST_CARRY,    /* its text is a value of the key */
    CAST_ICECAST_FLAG,     /* the same; a number that is not 0 is yes */
    CAST_ICECAST_COUNT,    /* the same; below 0 is no limit, and 0 is nobody */
    CAST_ICECAST_UNLESS_0, /* the same if it is 0, else words */
    CAST_ICECAST_LOG,      /* the same, below <logdir> */
    CAST_ICECAST_LISTEN,   /* a <listen-socket> */
    CAST_ICECAST_RELAY,    /* a <relay> */
    CAST_ICECAST_MOUNT,    /* a <mount> */
    CAST_ICECAST_PART,     /* what one of the last three is made of; they speak for it */
    CAST_ICECAST_HEADER,   /* a <header> for answers */
    CAST_ICECAST_ALIAS,    /* an <alias> */
};

struct cast_icecast_rule {
    const char *path; /* below <icecast> */
    enum cast_icecast_deed deed;
    const char *key;   /* of neap-cast */
    const char *words; /* SAY and UNLESS_0: all that is said; else what is added */
    const char *off;   /* SAY: said instead where the number is 0; or NULL */
    const char *label; /* an attribute that tells this setting from its like; or NULL */
    bool secret;       /* the text is a password: taken as it is, and never shown */
};

/* NULL if Icecast has no such setting. */
const struct cast_icecast_rule *cast_icecast_rule_find(const char *path);

/* The last part of a path. */
const char *cast_icecast_rule_name(const struct cast_icecast_rule *rule);

enum { CAST_ICECAST_ALONE = -1, CAST_ICECAST_NOWHERE = -1, CAST_ICECAST_SERVER = 0 };

struct cast_icecast_setting {
    const struct cast_icecast_rule *rule; /* NULL: unknown */
    unsigned line;       /* 0: the file does not have it, and Icecast has a default that differs */
    char *name;          /* of an unknown one, else NULL */
    char *label, *other; /* the attribute rule->label, and "value" or "destination"; or NULL */
    char *text;          /* never NULL once it is read; trimmed, unless it is secret */
    size_t bytes, room;  /* of the text */
    long group;          /* the mount, relay or socket that it belongs to; CAST_ICECAST_ALONE */
    long section;        /* of a mount: where its keys go (icecast_lines.h), or CAST_ICECAST_NOWHERE */
    const char *words;   /* what came of it: "carried over" ...; NULL: nothing is said */
    char *detail;        /* what follows; or NULL */
};

struct cast_icecast_file {
    struct cast_icecast_setting *settings;
    size_t count, room;
    bool failed; /* there was no memory for a text */
};

/* Reads XML. Returns 0, or an error as cast_icecast_convert does. The caller clears the file in any case; it
 * is empty at first. */
int cast_icecast_read(const char *xml, size_t bytes, struct cast_icecast_file *file,
                      struct cast_station_error *error);
void cast_icecast_file_clear(struct cast_icecast_file *file);

#define CAST_ICECAST_CARRIED "carried over as"
#define CAST_ICECAST_REFUSED "not carried over:"

/* Notes what came of a setting: static words, and a copy of what follows them, or NULL. */
void cast_icecast_say(struct cast_icecast_file *file, size_t at, const char *words, const char *detail);

/* The last setting with that path and a text, or NULL. */
const struct cast_icecast_setting *cast_icecast_find(const struct cast_icecast_file *file, const char *path);

#endif

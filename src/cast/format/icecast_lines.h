/* cast/format/icecast_lines.h: the lines of a file of settings while it is being made.
 *
 *     [server]         section 0
 *     queue = 524288   a line: its key, its value, the setting of Icecast that it comes from
 *     [mount /a]       section 1, 2 ...
 *
 * Lines are added in any order. Settling sorts them and leaves out what a line behind it says again, and then
 * those without which the file is valid: it is verified as neap-cast verifies it. Only icecast_file.c calls
 * this, and one thread at a time.
 */
#ifndef CAST_FORMAT_ICECAST_LINES_H
#define CAST_FORMAT_ICECAST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cast/format/icecast_rules.h"
#include "cast/format/station_keys.h"

enum { CAST_ICECAST_SECTIONS_MOST = 1000 };

/* Of two lines with one key, the one of the higher rank counts. */
enum cast_icecast_rank {
    CAST_ICECAST_FIRST,   /* of the file as a whole, or of a mount */
    CAST_ICECAST_DEFAULT, /* in [server], of <mount type="default"> */
    CAST_ICECAST_RESET,   /* of a mount that such a default is not for; nothing is said about it */
};

struct cast_icecast_line {
    long section;
    const struct cast_key *key;
    const char *name; /* that the key has in this section */
    char *value;
    size_t origin; /* among the settings of Icecast */
    enum cast_icecast_rank rank;
    size_t sequence; /* in which it was added */
    size_t turn;     /* in which it is verified */
    bool kept;
};

struct cast_icecast_section {
    char *mount;    /* NULL: [server] */
    uint64_t given; /* one bit for each of cast_mount_keys that has a line */
    bool own;       /* Icecast's file has a <mount> for it */
};

struct cast_icecast_lines {
    struct cast_icecast_line *lines;
    size_t count, room;
    struct cast_icecast_section *sections; /* the first is [server] */
    size_t section_count, section_room;
    struct cast_icecast_file *file;
    char logs[512]; /* stands in front of the names of log files */
};

/* Makes [server]. Returns 0 or NEAP_ERROR_MEMORY; cleared in any case. */
int cast_icecast_lines_open(struct cast_icecast_lines *lines, struct cast_icecast_file *file);
void cast_icecast_lines_clear(struct cast_icecast_lines *lines);

/* The section of a mount, which is made if there is none. CAST_ICECAST_NOWHERE if `mount` is no name of one,
 * or if there are too many. */
long cast_icecast_section(struct cast_icecast_lines *lines, const char *mount);

/* Adds a line, or says why it cannot be. `name` is a key of mounts, or of [server]. */
void cast_icecast_line_add(struct cast_icecast_lines *lines, long section, const char *name,
                           const char *value, size_t origin, enum cast_icecast_rank rank);

/* Sorts and verifies, and says of each setting that a line comes from what became of it. Returns 0 or
 * NEAP_ERROR_MEMORY. */
int cast_icecast_lines_settle(struct cast_icecast_lines *lines);

/* Writes the sections with the lines that are kept and whose turn is before `turns`. */
void cast_icecast_lines_write(const struct cast_icecast_lines *lines, size_t turns, FILE *out);

#endif

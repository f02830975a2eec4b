/* cast/format/station.h: the settings of a broadcasting server, from one short file.
 *
 *     [server]                      one table of keys for [server], one for [mount …]: station_keys.c
 *     listen = 127.0.0.1:8000
 *     source-password = change-me   every key has a default; an empty file is a valid one
 *
 *     [mount /live.mp3]             what a mount changes; mounts that no section names work, too
 *     fallback = /silence.mp3
 *
 * The file is INI as libinih reads it: `key = value`, comments after # or ; at the start of a line, and after
 * white space and ; elsewhere. Sizes are 64 KB (1,000 bytes) or 64 KiB (1,024), times 250 ms, 10 s, 5 min or
 * 2 h; a bare number is bytes or seconds. A list is separated by commas or spaces, and indented lines below
 * its own continue it; no other line is indented. A line with a key has at most 198 bytes (libinih's limit).
 *
 * A key of a mount can also stand in [server], in front of all mounts or behind them: it is the default of
 * all mounts. Two differ: max-listeners in [server] counts the whole server, and what it is for each mount is
 * called max-listeners-per-mount there; relay belongs to one mount alone.
 *
 * A station is made once and not changed: a reload makes another. It may then be read by any thread.
 */
#ifndef CAST_FORMAT_STATION_H
#define CAST_FORMAT_STATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cast_list {
    char **items; /* strings */
    size_t count;
};

/* What can be said of one mount. A NULL text means that it is not said; a text that has a default is never
 * NULL. No text has a control character, and all but names of users and passwords are UTF-8. */
struct cast_mount_settings {
    char *name;            /* "/live.mp3"; NULL for the defaults of all mounts */
    char *source_user;     /* "source" */
    char *source_password; /* else the server's */
    char *fallback;        /* a mount that its listeners move to when its source ends */
    char *relay;           /* a URL that the server gets the stream from itself; of a section [mount] alone */
    char *charset;         /* of titles that its source sends; NULL: UTF-8 if valid, else Latin-1 */
    char *stream_name, *description, *genre, *url; /* instead of what the source says */
    bool hidden;                /* not on the status page, in status-json.xsl, or in playlists */
    uint64_t max_listeners;     /* 0: no limit but the server's */
    uint64_t burst_bytes;       /* sent at once to a new listener; 64 KiB */
    uint64_t queue_bytes;       /* of the ring: how far a listener can fall behind; 512 KiB */
    uint64_t time_limit_ms;     /* that a listener may stay; 0: no limit */
    uint64_t source_timeout_ms; /* until a silent source is dropped, and that a mount waits for one; 10 s */
    uint64_t given; /* one bit for each key, in the table's order, that its own section has; the texts of
                     * other keys belong to the defaults */
};

struct cast_station {
    struct cast_list listen;           /* "127.0.0.1:8000", "[::1]:8000", "localhost:0"; 127.0.0.1:8000 */
    char *admin_user, *admin_password; /* "admin"; without a password the administration is closed */
    char *admin_password_file;         /* that the server reads admin_password from; NULL: none */
    char *source_password_file;        /* that it reads defaults.source_password from; NULL: none */
    char *hostname, *location, *admin_mail; /* as the status shows them; "localhost", NULL, NULL */
    char *access_log, *error_log;           /* files; NULL: none, and standard error */
    char *run_as; /* the user to become when started as root; NULL: "neap-cast" if it exists, else "nobody" */
    struct cast_list trusted_proxies;    /* addresses whose X-Forwarded-For is believed */
    struct cast_list deny_agents;        /* words; an agent that contains one gets 403 */
    uint64_t max_listeners;              /* in all; 20,000 */
    uint64_t max_listeners_per_address;  /* 0: no limit */
    uint64_t max_sources;                /* 64 */
    uint64_t loops;                      /* threads; 0: one for each processor */
    uint64_t batch_ms;                   /* between two batches to listeners; 500 ms */
    uint64_t header_timeout_ms;          /* until a whole request must be there; 10 s */
    uint64_t listener_timeout_ms;        /* after which a listener who takes nothing is dropped; 35 s */
    uint64_t metadata_interval;          /* icy-metaint; 16,000 bytes */
    struct cast_mount_settings defaults; /* of all mounts; set by [server] */
    struct cast_mount_settings *mounts;  /* those with a section, in the order of their names' bytes */
    size_t mount_count;
};

/* What is wrong with a file, and where. */
struct cast_station_error {
    unsigned line;  /* from 1; 0: the file as a whole */
    char text[240]; /* `source-timeout: "10 parsecs" is no time: 250 ms, 10 s, 5 min`; never a password */
};

/* Makes a station with all defaults and no password. NULL if there is no memory. */
struct cast_station *cast_station_new(void);

/* Reads settings from `text` of `bytes` bytes, any bytes. Unknown sections and keys, sections and keys that
 * stand twice, and values out of range are errors. Returns 0 with *station, which the caller destroys;
 * NEAP_ERROR_FORMAT with *error; NEAP_ERROR_MEMORY. */
int cast_station_read(const char *text, size_t bytes, struct cast_station **station,
                      struct cast_station_error *error);

/* Sets one key of [server], as an option of the command line does; a value from the file is replaced. Errors
 * as above, with line 0; the station is then as before. A server sets what it has read from the files of
 * passwords so, after cast_station_verify, and without the end of the line. */
int cast_station_set(struct cast_station *station, const char *name, const char *text,
                     struct cast_station_error *error);

/* Verifies what concerns several keys together: a fallback that leads back to its own mount, a burst above
 * the queue, a password and its file, nowhere to listen. Returns 0, or
 * NEAP_ERROR_FORMAT with *error, whose line is 0. */
int cast_station_verify(const struct cast_station *station, struct cast_station_error *error);

/* NULL is permitted. */
void cast_station_destroy(struct cast_station *station);

/* The settings of a mount: its own section, or the defaults. Never NULL. */
const struct cast_mount_settings *cast_station_mount(const struct cast_station *station, const char *name);

/* Writes an example file with every key, its default and what it is for, wrapped at 80 columns. It is a valid
 * file, and all its keys are commented out, with no space after the #; it is valid without these #, too. */
void cast_station_write_example(FILE *out);

#endif

/* cast/format/station_keys.h: the keys of a server's settings, as two tables, and their values.
 *
 *     cast_server_keys ─┬─> cast_key_find ──> cast_key_parse ──> cast_key_put ──> struct cast_station
 *     cast_mount_keys  ─┘
 *
 * Reading, setting, the defaults and the example are all made from the tables. Only station.c calls this, and
 * tests do. The tables are constant; any thread.
 */
#ifndef CAST_FORMAT_STATION_KEYS_H
#define CAST_FORMAT_STATION_KEYS_H

#include "cast/format/station.h"

enum cast_key_kind {
    CAST_KEY_TEXT,   /* char * */
    CAST_KEY_LIST,   /* struct cast_list */
    CAST_KEY_FLAG,   /* bool; yes or no */
    CAST_KEY_NUMBER, /* uint64_t, and so the rest */
    CAST_KEY_SIZE,   /* bytes */
    CAST_KEY_TIME,   /* milliseconds */
};

/* What a text, or each item of a list, has to be. */
enum cast_key_form {
    CAST_FORM_LINE,    /* UTF-8 */
    CAST_FORM_SECRET,  /* a password: no error shows it */
    CAST_FORM_USER,    /* what can stand before the colon of the scheme Basic */
    CAST_FORM_MOUNT,   /* the name of a mount */
    CAST_FORM_HOST,    /* a name or an address of this machine */
    CAST_FORM_ACCOUNT, /* a user of the system */
    CAST_FORM_CHARSET, /* a name that iconv could know */
    CAST_FORM_LISTEN,  /* an address or a name, with a port */
    CAST_FORM_ADDRESS, /* an address alone */
    CAST_FORM_RELAY,   /* the URL of a stream (relay_url.h) */
};

struct cast_key {
    const char *name;
    const char *server_name; /* in [server], if that differs; else NULL */
    enum cast_key_kind kind;
    enum cast_key_form form; /* of TEXT and LIST */
    size_t offset;           /* in struct cast_station or struct cast_mount_settings */
    uint64_t least, most;    /* of NUMBER, SIZE and TIME, both included */
    const char *standard;    /* the default as in a file; NULL: a text that is not said */
    const char *example;     /* a value for the example file where the default shows nothing; or NULL */
    const char *help;        /* one sentence */
};

enum { CAST_SERVER_KEYS = 21, CAST_MOUNT_KEYS = 15, CAST_MOUNT_OWN_KEYS = 1, CAST_SHOWN_ROOM = 128 };
extern const struct cast_key cast_server_keys[CAST_SERVER_KEYS];
extern const struct cast_key
    cast_mount_keys[CAST_MOUNT_KEYS]; /* the last CAST_MOUNT_OWN_KEYS: not in [server] */

union cast_value {
    char *text;
    struct cast_list list;
    bool flag;
    uint64_t number;
};

/* All memory of stations comes from here and goes back here: `bytes` bytes in place of `old`, which may be
 * NULL, as from realloc; 0 frees. A test may put a function of its own here while no station exists. */
extern void *(*cast_station_memory)(void *old, size_t bytes);

/* A copy of a string of `bytes` bytes, or NULL. */
char *cast_station_copy(const char *text, size_t bytes);

/* The keys of [server], those of mounts included, or of [mount …], counted from 0; NULL after the last. */
const struct cast_key *cast_key_at(size_t i, bool of_server);

/* The key of that name in [server] or in [mount …], or NULL. */
const struct cast_key *cast_key_find(const char *name, bool of_server);

/* Whether a key is one of cast_mount_keys. */
bool cast_key_is_of_mount(const struct cast_key *key);

/* The name that a key has in [server] or in [mount …]. */
const char *cast_key_name(const struct cast_key *key, bool of_server);

/* The key that differs from `name` in the fewest letters, and in two at most; or NULL. */
const struct cast_key *cast_key_nearest(const char *name, bool of_server);

/* --- station_values.c ------------------------------------------------------ */

/* Reads a value. Returns 0 with *value, which the caller puts or clears; NEAP_ERROR_FORMAT with error->text,
 * which calls the key `name`; NEAP_ERROR_MEMORY. */
int cast_key_parse(const struct cast_key *key, const char *name, const char *text, union cast_value *value,
                   struct cast_station_error *error);

/* Stores a value at the key's place in the struct at `base`, and takes it back from there. */
void cast_key_put(const struct cast_key *key, void *base, const union cast_value *value);
union cast_value cast_key_get(const struct cast_key *key, const void *base);

/* Frees what a value holds. */
void cast_key_clear(const struct cast_key *key, union cast_value *value);

/* An amount as a user would write it: "64 KiB", "10 s", "20000". */
char *cast_amount_text(char out[CAST_SHOWN_ROOM], enum cast_key_kind kind, uint64_t amount);

/* The beginning of a text from a file, cleaned, for an error: at most 60 characters, and "..." if that is not
 * all. */
char *cast_station_shown(char out[CAST_SHOWN_ROOM], const char *text, size_t bytes);

/* Writes error->text, cut between two characters if it is too long. Returns NEAP_ERROR_FORMAT. */
int cast_station_refuse(struct cast_station_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

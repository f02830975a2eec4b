/* cast/format/station_values.c: reads and shows the value of one key. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <neap/error.h>

#include "base/outside_text.h"
#include "cast/format/credentials.h"
#include "cast/format/relay_url.h"
#include "cast/format/station_keys.h"
#include "cast/format/url.h"

/* --- errors ---------------------------------------------------------------- */

int cast_station_refuse(struct cast_station_error *error, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t bytes = strlen(text);
    if (bytes >= sizeof(error->text)) {
        bytes = sizeof(error->text) - 1;
        while ((text[bytes] & 0xc0) == 0x80) /* not within a character */
            bytes--;
    }
    memcpy(error->text, text, bytes);
    error->text[bytes] = '\0';
    return NEAP_ERROR_FORMAT;
}

char *cast_station_shown(char out[CAST_SHOWN_ROOM], const char *text, size_t bytes) {
    enum { CHARACTERS_MOST = 60, BYTES_MOST = CAST_SHOWN_ROOM - 4 };
    char copy[4 * CHARACTERS_MOST + 1];
    size_t taken = bytes < sizeof(copy) - 1 ? bytes : sizeof(copy) - 1, kept = 0;
    memcpy(copy, text, taken);
    copy[taken] = '\0';
    neap_outside_text_clean(copy);
    for (size_t at = 0, characters = 0; copy[at] && characters < CHARACTERS_MOST && at < BYTES_MOST;
         characters++) {
        at++;
        while ((copy[at] & 0xc0) == 0x80)
            at++;
        kept = at <= BYTES_MOST ? at : kept;
    }
    memcpy(out, copy, kept);
    strcpy(out + kept, copy[kept] || taken < bytes ? "..." : "");
    return out;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* The largest comes first; of one size, the one that is shown. */
static const struct unit size_units[] = {
    {"GiB", 1 << 30}, {"GB", 1000000000}, {"MiB", 1 << 20}, {"MB", 1000000}, {"KiB", 1 << 10},
    {"KB", 1000},     {"bytes", 1},       {"B", 1},         {"", 1},         {NULL, 0},
};
static const struct unit time_units[] = {
    {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"", 1000}, {"ms", 1}, {NULL, 0},
};

static const struct unit *units_of(enum cast_key_kind kind) {
    static const struct unit none[] = {{"", 1}, {NULL, 0}};
    return kind == CAST_KEY_SIZE ? size_units : kind == CAST_KEY_TIME ? time_units : none;
}

char *cast_amount_text(char out[CAST_SHOWN_ROOM], enum cast_key_kind kind, uint64_t amount) {
    const struct unit *unit = units_of(kind);
    while (unit->factor > 1 && (amount == 0 || amount % unit->factor != 0))
        unit++;
    const char *name = amount == 0 ? "" : unit->name;
    snprintf(out, CAST_SHOWN_ROOM, "%llu%s%s", (unsigned long long)(amount / unit->factor), *name ? " " : "",
             name);
    return out;
}

/* --- amounts and flags ------------------------------------------------------- */

static bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

/* Reads "64 KiB", "1.5 s", "20000". What is below the smallest unit is dropped; what is beyond 64 bits
 * becomes UINT64_MAX, above all bounds. False if it is no amount. (strtod would depend on the locale.) */
static bool amount_read(const char *text, enum cast_key_kind kind, uint64_t *amount) {
    uint64_t whole = 0, part = 0, part_of = 1;
    bool beyond = false;
    if (!is_digit(*text))
        return false;
    for (; is_digit(*text); text++)
        beyond |= __builtin_mul_overflow(whole, 10u, &whole) ||
                  __builtin_add_overflow(whole, (unsigned)(*text - '0'), &whole);
    if (*text == '.') {
        if (kind == CAST_KEY_NUMBER || !is_digit(*++text))
            return false;
        for (; is_digit(*text); text++)
            if (part_of < 1000000000) {
                part = part * 10 + (unsigned)(*text - '0');
                part_of *= 10;
            }
    }
    text += strspn(text, " \t");
    const struct unit *unit = units_of(kind);
    while (unit->name && strcasecmp(unit->name, text) != 0)
        unit++;
    if (!unit->name)
        return false;
    beyond |= __builtin_mul_overflow(whole, unit->factor, &whole) ||
              __builtin_add_overflow(whole, part * unit->factor / part_of, &whole);
    *amount = beyond ? UINT64_MAX : whole;
    return true;
}

static bool flag_read(const char *text, bool *flag) {
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i]) == 0) {
            *flag = i % 2 == 1;
            return true;
        }
    return false;
}

/* --- texts ------------------------------------------------------------------- */

/* The bytes of the character at `at`, at least one; 0 if it is a control character or no UTF-8. */
static size_t character_bytes(const unsigned char *at) {
    if (at[0] < 0x80)
        return at[0] >= 32 && at[0] != 127;
    size_t bytes = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool control = at[0] == 0xc2 && at[1] < 0xa0, surrogate = at[0] == 0xed && at[1] >= 0xa0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool beyond = at[0] == 0xf4 && at[1] >= 0x90;
    return control || surrogate || overlong || beyond ? 0 : bytes;
}

static bool is_line(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        size_t bytes = character_bytes(at);
        if (bytes == 0)
            return false;
        at += bytes;
    }
    return true;
}

/* Passwords may be in any encoding: what counts is that the client sends the same bytes. */
static bool is_credential(const char *text, bool colon) {
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 32 || *at == 127 || (*at == ':' && !colon))
            return false;
    return *text && strlen(text) < CAST_CREDENTIAL_BYTES_MOST;
}

/* Whether text[0 .. bytes) is of ASCII letters, digits and the marks, not empty, and at most `most` long. */
static bool is_of(const char *text, size_t bytes, size_t most, const char *marks) {
    for (size_t i = 0; i < bytes; i++) {
        bool letter = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z');
        if (!letter && !is_digit(text[i]) && (!text[i] || !strchr(marks, text[i])))
            return false;
    }
    return bytes > 0 && bytes <= most;
}

static bool is_ipv4(const char *text) {
    for (int part = 0; part < 4; part++) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 3 || atoi(text) > 255 || text[digits] != (part < 3 ? '.' : '\0'))
            return false;
        text += digits + 1;
    }
    return true;
}

/* By its letters alone: whoever binds or compares the address knows for sure. A zone may follow. */
static bool is_ipv6(const char *text, size_t bytes) {
    size_t address = strspn(text, "0123456789abcdefABCDEF:."), colons = 0;
    for (size_t i = 0; i < address && i < bytes; i++)
        colons += text[i] == ':';
    if (colons < 2 || colons > 7 || address > 45)
        return false;
    return address == bytes || (address < bytes && text[address] == '%' &&
                                is_of(text + address + 1, bytes - address - 1, 15, "-_."));
}

static bool is_host(const char *text, size_t bytes) {
    if (bytes > 2 && text[0] == '[' && text[bytes - 1] == ']')
        return is_ipv6(text + 1, bytes - 2);
    return is_of(text, bytes, 253, ".-_");
}

static bool is_listen(const char *text) {
    const char *port = strrchr(text, ':');
    if (!port || !is_host(text, (size_t)(port - text)))
        return false;
    port++;
    size_t digits = strspn(port, "0123456789");
    return digits > 0 && digits <= 5 && !port[digits] && atoi(port) <= 65535;
}

static bool is_relay(const char *text) {
    struct cast_relay_url url;
    return is_line(text) && cast_relay_url_read(text, &url);
}

static bool form_fits(enum cast_key_form form, const char *text) {
    size_t bytes = strlen(text);
    switch (form) {
    case CAST_FORM_LINE:
        return is_line(text);
    case CAST_FORM_SECRET:
        return is_credential(text, true);
    case CAST_FORM_USER:
        return is_credential(text, false);
    case CAST_FORM_MOUNT:
        return cast_mount_name_valid(text);
    case CAST_FORM_HOST:
        return is_host(text, bytes);
    case CAST_FORM_ACCOUNT:
        return is_of(text, bytes, 255, "._-") && *text != '-';
    case CAST_FORM_CHARSET:
        return is_of(text, bytes, 40, "-_.:+");
    case CAST_FORM_LISTEN:
        return is_listen(text);
    case CAST_FORM_ADDRESS:
        return is_ipv4(text) || is_ipv6(text, bytes);
    case CAST_FORM_RELAY:
        return is_relay(text);
    }
    return false;
}

static const char *const form_names[] = {
    [CAST_FORM_LINE] = "no line of UTF-8 text",
    [CAST_FORM_SECRET] = "no password: 255 bytes at most, and no control characters",
    [CAST_FORM_USER] = "no name of a user: 255 bytes at most, and no colon",
    [CAST_FORM_MOUNT] = "no mount: a path like /live.mp3, not one of the server's own",
    [CAST_FORM_HOST] = "no name of a host: radio.example.org, 192.0.2.1, [2001:db8::1]",
    [CAST_FORM_ACCOUNT] = "no user of the system: letters, digits, and . _ -",
    [CAST_FORM_CHARSET] = "no encoding: ISO-8859-1, KOI8-R",
    [CAST_FORM_LISTEN] = "no address with a port: 127.0.0.1:8000, [::1]:8000",
    [CAST_FORM_ADDRESS] = "no address: 192.0.2.1, 2001:db8::1",
    [CAST_FORM_RELAY] = "no URL of a stream: http://host:8000/live.mp3, and no https",
};

static int form_refuse(enum cast_key_form form, const char *name, const char *text,
                       struct cast_station_error *error) {
    char shown[CAST_SHOWN_ROOM];
    if (form == CAST_FORM_SECRET)
        return cast_station_refuse(error, "%s: this is %s", name, form_names[form]);
    return cast_station_refuse(error, "%s: \"%s\" is %s", name, cast_station_shown(shown, text, strlen(text)),
                               form_names[form]);
}

static int text_parse(const struct cast_key *key, const char *name, const char *text, char **value,
                      struct cast_station_error *error) {
    *value = NULL;
    if (!*text) /* takes back what is said elsewhere, but never a password */
        return key->standard || key->form == CAST_FORM_SECRET
                   ? cast_station_refuse(error, "%s: it is empty: give a value, or leave the line out", name)
                   : NEAP_OK;
    if (!form_fits(key->form, text))
        return form_refuse(key->form, name, text, error);
    *value = cast_station_copy(text, strlen(text));
    return *value ? NEAP_OK : NEAP_ERROR_MEMORY;
}

/* --- lists ------------------------------------------------------------------- */

static void list_clear(struct cast_list *list) {
    for (size_t i = 0; i < list->count; i++)
        cast_station_memory(list->items[i], 0);
    cast_station_memory(list->items, 0);
    *list = (struct cast_list){0};
}

static int list_parse(const struct cast_key *key, const char *name, const char *text, struct cast_list *value,
                      struct cast_station_error *error) {
    static const char between[] = ", \t";
    struct cast_list list = {0};
    int result = NEAP_OK;
    for (text += strspn(text, between); *text && result == NEAP_OK; text += strspn(text, between)) {
        size_t bytes = strcspn(text, between);
        char **items = cast_station_memory(list.items, (list.count + 1) * sizeof(*items));
        list.items = items ? items : list.items;
        char *item = items ? cast_station_copy(text, bytes) : NULL;
        if (item)
            items[list.count++] = item;
        if (!item)
            result = NEAP_ERROR_MEMORY;
        else if (!form_fits(key->form, item))
            result = form_refuse(key->form, name, item, error);
        text += bytes;
    }
    if (result == NEAP_OK)
        *value = list;
    else
        list_clear(&list);
    return result;
}

/* --- values ------------------------------------------------------------------ */

static int amount_parse(const struct cast_key *key, const char *name, const char *text, uint64_t *value,
                        struct cast_station_error *error) {
    static const char *const kind_names[] = {
        [CAST_KEY_NUMBER] = "no whole number",
        [CAST_KEY_SIZE] = "no size: 500 KB, 64 KiB, 1 MiB",
        [CAST_KEY_TIME] = "no time: 250 ms, 10 s, 5 min",
    };
    char shown[CAST_SHOWN_ROOM], least[CAST_SHOWN_ROOM], most[CAST_SHOWN_ROOM];
    uint64_t amount;
    cast_station_shown(shown, text, strlen(text));
    if (!amount_read(text, key->kind, &amount))
        return cast_station_refuse(error, "%s: \"%s\" is %s", name, shown, kind_names[key->kind]);
    if (amount < key->least || amount > key->most)
        return cast_station_refuse(error, "%s: \"%s\" is out of range: %s to %s", name, shown,
                                   cast_amount_text(least, key->kind, key->least),
                                   cast_amount_text(most, key->kind, key->most));
    *value = amount;
    return NEAP_OK;
}

static int flag_parse(const char *name, const char *text, bool *value, struct cast_station_error *error) {
    char shown[CAST_SHOWN_ROOM];
    if (flag_read(text, value))
        return NEAP_OK;
    cast_station_shown(shown, text, strlen(text));
    return cast_station_refuse(error, "%s: \"%s\" is neither yes nor no", name, shown);
}

int cast_key_parse(const struct cast_key *key, const char *name, const char *text, union cast_value *value,
                   struct cast_station_error *error) {
    if (key->kind == CAST_KEY_TEXT)
        return text_parse(key, name, text, &value->text, error);
    if (key->kind == CAST_KEY_LIST)
        return list_parse(key, name, text, &value->list, error);
    if (key->kind == CAST_KEY_FLAG)
        return flag_parse(name, text, &value->flag, error);
    return amount_parse(key, name, text, &value->number, error);
}

static size_t value_bytes(enum cast_key_kind kind) {
    return kind == CAST_KEY_TEXT   ? sizeof(char *)
           : kind == CAST_KEY_LIST ? sizeof(struct cast_list)
           : kind == CAST_KEY_FLAG ? sizeof(bool)
                                   : sizeof(uint64_t);
}

void cast_key_put(const struct cast_key *key, void *base, const union cast_value *value) {
    memcpy((char *)base + key->offset, value, value_bytes(key->kind));
}

union cast_value cast_key_get(const struct cast_key *key, const void *base) {
    union cast_value value = {0};
    memcpy(&value, (const char *)base + key->offset, value_bytes(key->kind));
    return value;
}

void cast_key_clear(const struct cast_key *key, union cast_value *value) {
    if (key->kind == CAST_KEY_TEXT)
        cast_station_memory(value->text, 0);
    if (key->kind == CAST_KEY_LIST)
        list_clear(&value->list);
}

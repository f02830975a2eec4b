/* Fuzz target: the settings of a broadcasting server. What is refused is refused in words that a terminal can
 * show; what is accepted is sound, and the same bytes are tried as the value of each key. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/outside_text.h"
#include "cast/format/station.h"
#include "cast/format/station_keys.h"
#include "cast/format/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void demand(bool truth) {
    if (!truth)
        abort();
}

static void error_check(int result, const struct cast_station_error *error, size_t lines) {
    char copy[sizeof(error->text)];
    demand(result == NEAP_ERROR_FORMAT && error->line <= lines);
    demand(memchr(error->text, '\0', sizeof(error->text)) && error->text[0]);
    demand(strcmp(neap_outside_text_clean(strcpy(copy, error->text)), error->text) == 0);
}

static void text_check(const char *text) {
    for (; text && *text; text++)
        demand((unsigned char)*text >= 32 && *text != 127);
}

static void keys_check(const void *base, const struct cast_key *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        union cast_value value = cast_key_get(&keys[i], base);
        if (keys[i].kind == CAST_KEY_TEXT) {
            text_check(value.text);
            demand(value.text ? *value.text : !keys[i].standard);
        } else if (keys[i].kind == CAST_KEY_LIST) {
            for (size_t k = 0; k < value.list.count; k++) {
                text_check(value.list.items[k]);
                demand(*value.list.items[k] && !strpbrk(value.list.items[k], ", "));
            }
        } else if (keys[i].kind != CAST_KEY_FLAG)
            demand(value.number >= keys[i].least && value.number <= keys[i].most);
    }
}

static void station_check(const struct cast_station *station) {
    struct cast_station_error error;
    keys_check(station, cast_server_keys, CAST_SERVER_KEYS);
    keys_check(&station->defaults, cast_mount_keys, CAST_MOUNT_KEYS);
    for (size_t i = 0; i < station->mount_count; i++) {
        const struct cast_mount_settings *mount = &station->mounts[i];
        keys_check(mount, cast_mount_keys, CAST_MOUNT_KEYS);
        demand(cast_mount_name_valid(mount->name) && cast_station_mount(station, mount->name) == mount);
        demand(i == 0 || strcmp(mount[-1].name, mount->name) < 0);
    }
    int result = cast_station_verify(station, &error);
    if (result != NEAP_OK)
        error_check(result, &error, 0);
}

/* The bytes as the value of each key of [server], and as the name of one. */
static void set_all(struct cast_station *station, const char *value) {
    struct cast_station_error error;
    const struct cast_key *key;
    for (size_t i = 0; (key = cast_key_at(i, true)); i++) {
        int result = cast_station_set(station, cast_key_name(key, true), value, &error);
        if (result != NEAP_OK)
            error_check(result, &error, 0);
    }
    int result = cast_station_set(station, value, "1", &error);
    if (result != NEAP_OK)
        error_check(result, &error, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct cast_station *station;
    struct cast_station_error error;
    int result = cast_station_read((const char *)data, bytes, &station, &error);
    if (result != NEAP_OK) {
        size_t lines = 1;
        for (size_t i = 0; i < bytes; i++)
            lines += data[i] == '\n';
        error_check(result, &error, lines);
        demand(error.line > 0);
        station = cast_station_new();
    }
    char *value = malloc(bytes + 1);
    if (station && value) {
        memcpy(value, data, bytes);
        value[bytes] = '\0';
        station_check(station);
        set_all(station, value);
        station_check(station);
    }
    free(value);
    cast_station_destroy(station);
    return 0;
}

/* Fuzz target: configurations of Icecast. Whatever is converted is a valid file of settings, and its notes
 * are lines that a terminal can show, none with a password. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/outside_text.h"
#include "cast/format/icecast_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void demand(bool truth) {
    if (!truth)
        abort();
}

static void shown_check(char *line) {
    char *copy = strdup(line);
    demand(copy && strcmp(neap_outside_text_clean(copy), line) == 0);
    free(copy);
}

static void notes_check(char *notes) {
    while (*notes) {
        char *end = strchr(notes, '\n');
        demand(end != NULL);
        *end = '\0';
        shown_check(notes);
        demand(strncmp(notes, "my.xml:", strlen("my.xml:")) == 0 && strchr(notes, '<'));
        notes = end + 1;
    }
}

/* How often a text stands in the input. */
static size_t times(const char *text, const uint8_t *data, size_t bytes) {
    size_t count = 0, length = strlen(text);
    for (size_t i = 0; i + length <= bytes; i++)
        count += memcmp(data + i, text, length) == 0;
    return count;
}

/* A password that is long enough to be made of nothing else, and that the input has as a password alone, does
 * not stand in the notes. */
static void secret_check(const char *secret, const char *notes, const uint8_t *data, size_t bytes) {
    if (secret && strlen(secret) >= 12 && strncmp(secret, "secret-", 7) == 0 &&
        times(secret, data, bytes) == 1)
        demand(!strstr(notes, secret));
}

static void settings_check(const char *settings, size_t settings_bytes, const char *notes,
                           const uint8_t *data, size_t bytes) {
    struct cast_station *station = NULL;
    struct cast_station_error error;
    demand(cast_station_read(settings, settings_bytes, &station, &error) == NEAP_OK);
    demand(cast_station_verify(station, &error) == NEAP_OK);
    secret_check(station->admin_password, notes, data, bytes);
    secret_check(station->defaults.source_password, notes, data, bytes);
    for (size_t i = 0; i < station->mount_count; i++)
        secret_check(station->mounts[i].source_password, notes, data, bytes);
    cast_station_destroy(station);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *settings = NULL, *notes = NULL;
    size_t settings_bytes = 0, notes_bytes = 0;
    FILE *out = open_memstream(&settings, &settings_bytes), *said = open_memstream(&notes, &notes_bytes);
    demand(out && said);
    struct cast_station_error error = {.line = 77};
    int result = cast_icecast_convert((const char *)data, bytes, "my.xml", out, said, &error);
    demand(fclose(out) == 0 && fclose(said) == 0);
    if (result == NEAP_OK) {
        settings_check(settings, settings_bytes, notes, data, bytes);
        notes_check(notes);
    } else {
        demand(result == NEAP_ERROR_FORMAT && *error.text && settings_bytes == 0 && notes_bytes == 0);
        shown_check(error.text);
    }
    free(settings);
    free(notes);
    return 0;
}

/* cast/server/station_load.c: files and options, one after the other. */
#include "cast/server/station_load.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "cast/format/credentials.h"
#include "os/address.h"
#include "os/random.h"

enum { FILE_BYTES_MOST = 1 << 20 };

/* --- what is wrong ------------------------------------------------------------------------ */

static int refuse(char problem[CAST_PROBLEM_ROOM], const char *what, const char *why) {
    snprintf(problem, CAST_PROBLEM_ROOM, "%s: %s", what, why);
    return NEAP_ERROR_FORMAT;
}

/* The result of a call of station.h; what it says is wrong goes into `problem`. */
static int result_of(const struct cast_settings_origin *origin, int result,
                     const struct cast_station_error *error, char problem[CAST_PROBLEM_ROOM]) {
    if (result == NEAP_ERROR_FORMAT && error->line > 0)
        snprintf(problem, CAST_PROBLEM_ROOM, "%s:%u: %s", origin->file, error->line, error->text);
    else if (result == NEAP_ERROR_FORMAT)
        snprintf(problem, CAST_PROBLEM_ROOM, "settings: %s", error->text);
    else if (result != NEAP_OK)
        snprintf(problem, CAST_PROBLEM_ROOM, "settings: %s", neap_error_text(result));
    return result;
}

/* --- passwords ---------------------------------------------------------------------------- */

/* The first line of a file. False if there is none that can be a password. */
static bool line_read(const char *file, char password[CAST_CREDENTIAL_BYTES_MOST]) {
    FILE *in = fopen(file, "re");
    char line[CAST_CREDENTIAL_BYTES_MOST + 2] = "";
    bool read = in && fgets(line, sizeof(line), in);
    line[strcspn(line, "\r\n")] = '\0';
    if (in)
        fclose(in);
    if (!read || *line == '\0' || strlen(line) >= CAST_CREDENTIAL_BYTES_MOST)
        return false;
    memcpy(password, line, strlen(line) + 1);
    return true;
}

static int passwords_read(const struct cast_settings_origin *origin, struct cast_station *station,
                          char problem[CAST_PROBLEM_ROOM]) {
    const struct {
        const char *file, *key;
    } wanted[] = {{station->source_password_file, "source-password"},
                  {station->admin_password_file, "admin-password"}};
    int result = NEAP_OK;
    for (size_t i = 0; i < 2 && result == NEAP_OK; i++) {
        char password[CAST_CREDENTIAL_BYTES_MOST];
        struct cast_station_error error = {.line = 0};
        if (!wanted[i].file)
            continue;
        if (!line_read(wanted[i].file, password))
            return refuse(problem, wanted[i].file, "it cannot be read, or its first line is no password");
        result =
            result_of(origin, cast_station_set(station, wanted[i].key, password, &error), &error, problem);
    }
    return result;
}

static bool has_source_password(const struct cast_station *station) {
    bool has = station->defaults.source_password != NULL;
    for (size_t i = 0; i < station->mount_count; i++)
        has = has || station->mounts[i].source_password;
    return has;
}

static int password_make(struct cast_settings_origin *origin, struct cast_station *station,
                         char problem[CAST_PROBLEM_ROOM]) {
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32, none like another */
    uint8_t bytes[CAST_MADE_PASSWORD_BYTES];
    struct cast_station_error error = {.line = 0};
    if (*origin->made_password == '\0') {
        neap_os_random_fill(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            origin->made_password[i] = letters[bytes[i] % (sizeof(letters) - 1)];
    }
    return result_of(origin, cast_station_set(station, "source-password", origin->made_password, &error),
                     &error, problem);
}

/* --- file and options ---------------------------------------------------------------------- */

static int file_read(const struct cast_settings_origin *origin, struct cast_station **station,
                     char problem[CAST_PROBLEM_ROOM]) {
    struct cast_station_error error = {.line = 0};
    FILE *in = fopen(origin->file, "re");
    char *text = in ? malloc(FILE_BYTES_MOST + 1) : NULL;
    size_t bytes = text ? fread(text, 1, FILE_BYTES_MOST + 1, in) : 0;
    int failed = !in ? errno : ferror(in) ? errno : 0, result;
    if (in)
        fclose(in);
    if (failed)
        result = refuse(problem, origin->file, strerror(failed));
    else if (bytes > FILE_BYTES_MOST)
        result = refuse(problem, origin->file, "it is over a megabyte");
    else
        result = result_of(origin, text ? cast_station_read(text, bytes, station, &error) : NEAP_ERROR_MEMORY,
                           &error, problem);
    free(text);
    return result;
}

static int options_set(const struct cast_settings_origin *origin, struct cast_station *station,
                       char problem[CAST_PROBLEM_ROOM]) {
    int result = NEAP_OK;
    for (size_t i = 0; i < origin->setting_count && result == NEAP_OK; i++) {
        struct cast_station_error error = {.line = 0};
        char key[64];
        const char *equals = strchr(origin->settings[i], '=');
        snprintf(key, sizeof(key), "%.*s", (int)(equals - origin->settings[i]), origin->settings[i]);
        result = result_of(origin, cast_station_set(station, key, equals + 1, &error), &error, problem);
    }
    return result;
}

/* station.h knows addresses by their letters only. */
static int addresses_verify(const struct cast_station *station, char problem[CAST_PROBLEM_ROOM]) {
    const struct {
        const char *key;
        const struct cast_list *list;
    } lists[] = {{"listen", &station->listen}, {"trusted-proxies", &station->trusted_proxies}};
    for (size_t i = 0; i < 2; i++) {
        for (size_t item = 0; item < lists[i].list->count; item++) {
            struct neap_os_address address;
            if (neap_os_address_read(lists[i].list->items[item], &address))
                continue;
            snprintf(problem, CAST_PROBLEM_ROOM,
                     "settings: %s: \"%.60s\" is no address: 127.0.0.1:8000, [::1]:8000", lists[i].key,
                     lists[i].list->items[item]);
            return NEAP_ERROR_FORMAT;
        }
    }
    return NEAP_OK;
}

static int station_fill(struct cast_settings_origin *origin, struct cast_station *station,
                        char problem[CAST_PROBLEM_ROOM]) {
    struct cast_station_error error = {.line = 0};
    int result = options_set(origin, station, problem);
    if (result == NEAP_OK)
        result = result_of(origin, cast_station_verify(station, &error), &error, problem);
    if (result == NEAP_OK)
        result = addresses_verify(station, problem);
    if (result == NEAP_OK)
        result = passwords_read(origin, station, problem);
    if (result == NEAP_OK && !has_source_password(station))
        result = password_make(origin, station, problem);
    return result;
}

int cast_station_load(struct cast_settings_origin *origin, struct cast_station **station,
                      char problem[CAST_PROBLEM_ROOM]) {
    struct cast_station_error none = {.line = 0};
    struct cast_station *made = origin->file ? NULL : cast_station_new();
    int result = origin->file ? file_read(origin, &made, problem)
                              : result_of(origin, made ? NEAP_OK : NEAP_ERROR_MEMORY, &none, problem);
    if (result == NEAP_OK)
        result = station_fill(origin, made, problem);
    if (result != NEAP_OK) {
        cast_station_destroy(made);
        return result;
    }
    *station = made;
    return NEAP_OK;
}

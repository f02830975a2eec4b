/* cast/server/station_load.h: where the settings of a server come from, at its start and at each reload.
 *
 *     file ──> options of the command line, which win ──> files with passwords ──> addresses and all else
 * verified
 *
 * A server whose settings have no password for sources makes one, and keeps it as long as it runs. Main
 * thread.
 */
#ifndef CAST_SERVER_STATION_LOAD_H
#define CAST_SERVER_STATION_LOAD_H

#include <stddef.h>

#include "cast/format/station.h"

enum { CAST_PROBLEM_ROOM = 512, CAST_MADE_PASSWORD_BYTES = 20 };

struct cast_settings_origin {
    const char *file;      /* NULL: there is none */
    char *const *settings; /* "key=value" of the command line */
    size_t setting_count;
    char made_password[CAST_MADE_PASSWORD_BYTES + 1]; /* "": none was needed so far */
};

/* Makes a station, which the caller destroys. On failure, NEAP_ERROR_FORMAT or NEAP_ERROR_MEMORY, `problem`
 * has one line for the user: what is wrong, where, and what to do. */
int cast_station_load(struct cast_settings_origin *origin, struct cast_station **station,
                      char problem[CAST_PROBLEM_ROOM]);

#endif

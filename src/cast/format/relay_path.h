/* cast/format/relay_path.h: how a relay notices that it would hear itself.
 *
 *     /a ──relays──> /b ──relays──> /c of another server       Neap-Relay: MARK OF b, MARK OF c
 *
 * A server of Neap's marks each of its mounts, and tells relays of Neap's in the header Neap-Relay of its
 * answer which mounts the stream has come along. A relay that finds the mark of its own mount there does not
 * take the stream. Other servers do not pass the header on: a circle through one of them is not noticed; what
 * the mount last heard then goes around in it, at the speed of the slowest server of the circle.
 *
 * A mark tells nothing about its server. Any thread; nothing is allocated.
 */
#ifndef CAST_FORMAT_RELAY_PATH_H
#define CAST_FORMAT_RELAY_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CAST_RELAY_MARK_ROOM = 17,
    CAST_RELAY_HOPS_MOST = 16,
    CAST_RELAY_PATH_ROOM = CAST_RELAY_HOPS_MOST * CAST_RELAY_MARK_ROOM,
};

/* Writes the mark of a mount: 16 digits. `secret` is the server's, made at its start. Returns `out`. */
char *cast_relay_mark(uint64_t secret, const char *mount_name, char out[CAST_RELAY_MARK_ROOM]);

/* Whether `path` holds marks alone, at most CAST_RELAY_HOPS_MOST, with one space between two. "" is a path.
 */
bool cast_relay_path_valid(const char *path);

/* Whether a valid path has the mark. */
bool cast_relay_path_has(const char *path, const char *mark);

/* Writes a path that begins with `mark` and goes on with a valid path; the last mark of that is left out if
 * there is no room. Returns `out`. */
char *cast_relay_path_join(const char *mark, const char *path, char out[CAST_RELAY_PATH_ROOM]);

#endif

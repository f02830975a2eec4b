/* cast/format/icecast_file.h: a configuration of Icecast 2.4 becomes settings of neap-cast.
 *
 *     icecast.xml ──> icecast_reading.c ──> settings ──> icecast_file.c ──> lines ──> icecast_lines.c ──> INI
 *                     expat                    │         icecast_rules.c              cast_station_read,
 *                                              └──────── one note for each            cast_station_verify
 *
 * The file is somebody's own, and is read as if it were not: no entity is expanded, and no other file is
 * opened. What is written is a valid file of settings (station.h), whatever was read. Passwords are written
 * to it, and never to the notes. Any thread.
 */
#ifndef CAST_FORMAT_ICECAST_FILE_H
#define CAST_FORMAT_ICECAST_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "cast/format/station.h"

enum { CAST_ICECAST_BYTES_MOST = 1 << 20 };

/* Converts `xml` of `bytes` bytes, any bytes. `file` is its name, as comments and notes call it. Settings go
 * to `settings`; to `notes` goes one line for each setting of Icecast, in their order:
 *
 *     icecast.xml:42: <queue-size> 524288: carried over as queue = 524288
 *     icecast.xml:57: <ssl-certificate>: not carried over: put a proxy in front, see docs/cast.md
 *
 * Returns 0; NEAP_ERROR_FORMAT with *error if it is no XML, no configuration of Icecast or too large;
 * NEAP_ERROR_MEMORY. Nothing is written then. Whether the writing succeeded is the caller's to ask. */
int cast_icecast_convert(const char *xml, size_t bytes, const char *file, FILE *settings, FILE *notes,
                         struct cast_station_error *error);

#endif

/* cast/server/server.h: one broadcasting server: its settings, its loops, and what they share.
 *
 *     server ──> loop 0 (main thread): signals, mounts that wait    each loop: its listening sockets,
 * connections, ──> loop 1 … n - 1 (a thread each)                                 sources, listeners (a
 * fan-out) ──> air: mounts, words      station: settings, replaced as a whole by a reload
 *
 * All loops listen at the same addresses, and the kernel shares new connections out among them. A listener
 * stays with the loop that accepted him. What has to see the listeners of all loops travels from loop to loop
 * (errand.h).
 */
#ifndef CAST_SERVER_SERVER_H
#define CAST_SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cast/air/air.h"
#include "cast/format/credentials.h"
#include "cast/format/station.h"
#include "cast/server/station_load.h"
#include "os/address.h"

enum { CAST_LOOPS_MOST = 64, CAST_LISTENS_MOST = 16 };

struct cast_loop;
struct cast_relay;

/* Settings that may be replaced while others still read them. */
struct cast_station_held {
    _Atomic uint32_t holders;
    struct cast_station *station;
    size_t proxy_count;
    struct neap_os_address proxies[]; /* station->trusted_proxies, read */
};

struct cast_server {
    struct cast_air air;
    struct cast_loop *loops[CAST_LOOPS_MOST];
    unsigned loop_count;
    struct neap_os_lock lock;                          /* of `held` and `attempts` */
    struct cast_station_held *held;                    /* the settings now */
    struct cast_attempts attempts;                     /* at passwords */
    struct neap_os_address listens[CAST_LISTENS_MOST]; /* where it listens, with the ports it got */
    size_t listen_count;
    struct cast_settings_origin origin;
    bool stopping;             /* of loop 0 */
    struct cast_relay *relays; /* of loop 0 (relay.h) */
    uint64_t relay_secret;     /* for marks of mounts (cast/format/relay_path.h) */
    uint64_t started_s;        /* seconds since 1970 */
    uint64_t descriptors;      /* that the process may have open */
    _Atomic uint64_t connections, heads, refused, requests;
};

/* The settings, held for the caller, who drops them within the same callback. Any thread. */
struct cast_station_held *cast_server_station(struct cast_server *server);
void cast_station_held_drop(struct cast_station_held *held);

/* Takes settings into use; they belong to the server from now on. NEAP_ERROR_MEMORY. */
int cast_server_set_station(struct cast_server *server, struct cast_station *station);

/* How many listeners there may be, with descriptors left for sources, administration and files. Any thread.
 */
uint64_t cast_server_listener_room(const struct cast_server *server, const struct cast_station *station);

/* Opens the sockets and loops, gives up root, and runs until SIGTERM or SIGINT. Returns the exit code. Main
 * thread. */
int cast_server_run(struct cast_server *server);

#endif

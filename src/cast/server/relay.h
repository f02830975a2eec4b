/* cast/server/relay.h: mounts that the server gets from other servers, as their settings say.
 *
 *     IDLE ──due, and the mount has no source──> PULLING (pull.h) ──200──> ON_AIR
 *      ^                                            │ relay-refused          │ relay-lost
 *      └──────────── due in 1, 2, 4, … 60 s ────────┴────────────────────────┘
 *
 * The pause is as long as at first again after a minute on air, and up to a quarter shorter at random. While
 * a source has the mount, the relay looks each second whether it is free. A reason that repeats is logged
 * again only after ten minutes.
 *
 * All relays are in loop 0: each takes as much of it as a source. Its thread calls everything here.
 */
#ifndef CAST_SERVER_RELAY_H
#define CAST_SERVER_RELAY_H

struct cast_loop;
struct cast_mount;
struct cast_relay;

/* Begins the relays of the settings that are not there yet, and ends those that the settings no longer have,
 * or have with another URL. The others go on undisturbed. */
void cast_relays_take_settings(struct cast_loop *loop);

/* Called each second. */
void cast_relays_sweep(struct cast_loop *loop);

/* Ends the stream of a mount, as an administrator wishes; the relay tries again later. In other loops than 0
 * it does nothing. */
void cast_relays_kill(struct cast_loop *loop, const struct cast_mount *mount);

/* Ends all. */
void cast_relays_stop(struct cast_loop *loop);

#endif

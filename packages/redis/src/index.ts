/**
 * Native Redis and Valkey for Larder.
 *
 * @since 0.1.0
 */

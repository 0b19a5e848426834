/**
 * Larder and the ports of Effect's platform.
 *
 * @since 0.1.0
 */

"""The parts of the live benchmark: a venue stub, the trigger, the bot beside it."""

//! The bus: embedded broker, publisher, subscriber.

"""Kafka: producer, consumer group member, topics. The only package that knows confluent-kafka."""

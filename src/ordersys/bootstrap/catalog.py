from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.infrastructure.postgres.flight_reads import FlightReads
from ordersys.usecase.catalog.get_flight import GetFlight
from ordersys.usecase.catalog.search_flights import SearchFlights


class CatalogContainer(containers.DeclarativeContainer):
    engine = providers.Dependency(instance_of=AsyncEngine)

    flights = providers.Singleton(FlightReads, engine=engine)
    search_flights = providers.Factory(SearchFlights, flights=flights)
    get_flight = providers.Factory(GetFlight, flights=flights)
